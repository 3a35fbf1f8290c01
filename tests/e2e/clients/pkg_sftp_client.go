// tests: an SFTP client that is github.com/pkg/sftp, for client_pkg_sftp.sh; the protocol of its lines
// is in tests/support/scenario_program.sh.  Never decides what is done next.
package main

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"os"
	"path"
	"strconv"
	"strings"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

var client *sftp.Client

// upload goes on at the end of what is there, or begins anew: flags says which.
func upload(local, remote string, flags int) error {
	source, err := os.Open(local)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := client.OpenFile(remote, os.O_WRONLY|os.O_CREATE|flags)
	if err != nil {
		return err
	}
	if flags&os.O_TRUNC == 0 {
		there, err := target.Stat()
		if err != nil {
			return err
		}
		if _, err = source.Seek(there.Size(), io.SeekStart); err != nil {
			return err
		}
		if _, err = target.Seek(there.Size(), io.SeekStart); err != nil {
			return err
		}
	}
	if _, err = target.ReadFrom(source); err != nil {
		return err
	}
	return target.Close()
}

func download(remote, local string, flags int) error {
	source, err := client.Open(remote)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(local, os.O_WRONLY|os.O_CREATE|flags, 0644)
	if err != nil {
		return err
	}
	have, err := target.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if _, err = source.Seek(have, io.SeekStart); err != nil {
		return err
	}
	if _, err = source.WriteTo(target); err != nil {
		return err
	}
	return target.Close()
}

func putTimes(local, remote string) error {
	if err := upload(local, remote, os.O_TRUNC); err != nil {
		return err
	}
	attrs, err := os.Stat(local)
	if err != nil {
		return err
	}
	return client.Chtimes(remote, attrs.ModTime(), attrs.ModTime())
}

func getTimes(remote, local string) error {
	if err := download(remote, local, os.O_TRUNC); err != nil {
		return err
	}
	attrs, err := client.Stat(remote)
	if err != nil {
		return err
	}
	return os.Chtimes(local, attrs.ModTime(), attrs.ModTime())
}

func list(name string) ([]string, error) {
	var names []string
	entries, err := client.ReadDir(name)
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names, err
}

func glob(pattern, local string) error {
	names, err := client.Glob(pattern)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err = download(name, path.Join(local, path.Base(name)), os.O_TRUNC); err != nil {
			return err
		}
	}
	return nil
}

func chmod(mode, name string) error {
	bits, err := strconv.ParseUint(mode, 8, 32)
	if err != nil {
		return err
	}
	return client.Chmod(name, os.FileMode(bits))
}

func capacity(name string) ([]string, error) {
	attrs, err := client.StatVFS(name)
	if err != nil {
		return nil, err
	}
	return []string{fmt.Sprintf("%d:%d", attrs.Blocks, attrs.Frsize)}, nil
}

// run returns the words of the answer.
func run(verb string, args []string) ([]string, error) {
	args = append(args, "", "")
	a, b := args[0], args[1]
	switch verb {
	case "connect":
		_, err := client.RealPath(".")
		return nil, err
	case "put":
		return nil, upload(a, b, os.O_TRUNC)
	case "get":
		return nil, download(a, b, os.O_TRUNC)
	case "reput":
		return nil, upload(a, b, 0)
	case "reget":
		return nil, download(a, b, 0)
	case "put_times":
		return nil, putTimes(a, b)
	case "get_times":
		return nil, getTimes(a, b)
	case "list":
		return list(a)
	case "glob":
		return nil, glob(a, b)
	case "rename":
		return nil, client.Rename(a, b)
	case "posix_rename":
		return nil, client.PosixRename(a, b)
	case "remove":
		return nil, client.Remove(a)
	case "mkdir":
		return nil, client.Mkdir(a)
	case "rmdir":
		return nil, client.RemoveDirectory(a)
	case "chmod":
		return nil, chmod(a, b)
	case "symlink":
		return nil, client.Symlink(a, b)
	case "link":
		return nil, client.Link(a, b)
	case "capacity":
		return capacity(a)
	}
	return nil, fmt.Errorf("no such verb: %s", verb)
}

func connect(port, user, keyFile, knownHosts string) (*ssh.Client, error) {
	text, err := os.ReadFile(keyFile)
	if err != nil {
		return nil, err
	}
	key, err := ssh.ParsePrivateKey(text)
	if err != nil {
		return nil, err
	}
	known, err := knownhosts.New(knownHosts)
	if err != nil {
		return nil, err
	}
	return ssh.Dial("tcp", "127.0.0.1:"+port, &ssh.ClientConfig{
		User:              user,
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(key)},
		HostKeyCallback:   known,
		HostKeyAlgorithms: []string{ssh.KeyAlgoED25519},
	})
}

func main() {
	connection, err := connect(os.Args[1], os.Args[2], os.Args[3], os.Args[4])
	if err != nil {
		log.Fatal(err)
	}
	client, err = sftp.NewClient(connection, sftp.UseConcurrentWrites(true))
	if err != nil {
		log.Fatal(err)
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		words := strings.Split(lines.Text(), "\t")
		answer, err := run(words[0], words[1:])
		if err != nil {
			fmt.Printf("error\t%q\n", err)
		} else {
			fmt.Println(strings.Join(append([]string{"ok"}, answer...), "\t"))
		}
	}
	client.Close()
	connection.Close()
}
