/* Tests of the PAM module: fingerprints of the keys that sshd names, beside ssh-keygen's own, and what
 * makes no sense. */
#include "keys.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];
static char got[POLICY_KEYS_MAX][POLICY_KEY_MAX];

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void set_up(void)
{
	snprintf(dir, sizeof(dir), "/tmp/sd-keys-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
}

static void tear_down(void)
{
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

TestSuite(keys, .init = set_up, .fini = tear_down, .timeout = 120);

/* Runs a command of the shell, in dir; returns the first line of its output, without the newline. */
static char *shell(char out[16384], const char *format, ...)
{
	char command[16384];
	size_t used = (size_t)snprintf(command, sizeof(command), "cd %s && ", dir);
	va_list args;
	FILE *stream;

	va_start(args, format);
	vsnprintf(command + used, sizeof(command) - used, format, args);
	va_end(args);
	stream = popen(command, "r");
	cr_assert_not_null(stream);
	if (fgets(out, 16384, stream) == NULL)
		out[0] = '\0';
	cr_assert_eq(pclose(stream), 0, "%s", command);
	out[strcspn(out, "\n")] = '\0';
	return out;
}

/* Expects the key in the file called name to be read from a line as sshd writes it, with the fingerprint
 * that ssh-keygen prints. */
static void expect_as_ssh_keygen(const char *name)
{
	char key[16384], fingerprint[16384], info[17000];

	shell(key, "cut -d ' ' -f 1,2 %s", name);
	shell(fingerprint, "ssh-keygen -lf %s | cut -d ' ' -f 2", name);
	snprintf(info, sizeof(info), "publickey %s\n", key);
	cr_assert_eq(keys_read(info, got), 1, "%s", info);
	cr_expect_str_eq(got[0], fingerprint, "%s", name);
	cr_expect(policy_key_is_fingerprint(got[0]));
}

Test(keys, keys_and_certificates_as_ssh_keygen_sees_them)
{
	static const char *const types[] = {"ed25519", "rsa -b 2048", "rsa -b 4096", "ecdsa -b 256",
	    "ecdsa -b 384", "ecdsa -b 521"};
	char out[16384], name[32], plain[POLICY_KEY_MAX];

	if (system("command -v ssh-keygen > /dev/null") != 0)
		cr_skip_test("needs ssh-keygen");
	shell(out, "ssh-keygen -q -t ed25519 -N '' -f ca");
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		shell(out, "ssh-keygen -q -t %s -N '' -f k%zu", types[i], i);
		shell(out, "ssh-keygen -q -s ca -I me -n bob -O clear -V +1h k%zu.pub", i);
		snprintf(name, sizeof(name), "k%zu.pub", i);
		expect_as_ssh_keygen(name);
		memcpy(plain, got[0], sizeof(plain));
		snprintf(name, sizeof(name), "k%zu-cert.pub", i);
		expect_as_ssh_keygen(name);
		cr_expect_str_eq(got[0], plain, "a certificate counts as its key");
	}
}

/* No device makes keys of these types here, so that they are put together by hand. */

struct blob {
	uint8_t bytes[512];
	size_t len;
};

static void add(struct blob *blob, const char *text)
{
	size_t len = strlen(text);
	const uint8_t length[] = {0, 0, 0, (uint8_t)len};

	memcpy(blob->bytes + blob->len, length, 4);
	memcpy(blob->bytes + blob->len + 4, text, len);
	blob->len += 4 + len;
}

static char *encode(const struct blob *blob, char out[1024])
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t used = 0;

	for (size_t i = 0; i < blob->len; i += 3) {
		uint32_t group = (uint32_t)blob->bytes[i] << 16 |
				 (i + 1 < blob->len ? (uint32_t)blob->bytes[i + 1] << 8 : 0) |
				 (i + 2 < blob->len ? blob->bytes[i + 2] : 0);

		for (size_t j = 0; j < 4; j++)
			out[used++] = i + j > blob->len ? '=' : digits[group >> (18 - 6 * j) & 63];
	}
	out[used] = '\0';
	return out;
}

/* Reads one line of info that names the blob; returns the fingerprint or "". */
static const char *read_blob(const struct blob *blob)
{
	char base64[1024], info[1200];

	snprintf(info, sizeof(info), "publickey some-type %s\n", encode(blob, base64));
	return keys_read(info, got) == 1 ? got[0] : "";
}

Test(keys, security_keys)
{
	static const struct {
		const char *type, *certified;
		const char *fields[4];
	} cases[] = {
	    {"sk-ssh-ed25519@openssh.com", "sk-ssh-ed25519-cert-v01@openssh.com", {"PK", "ssh:"}},
	    {"sk-ecdsa-sha2-nistp256@openssh.com", "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
		{"nistp256", "POINT", "ssh:"}},
	    {"ssh-dss", "ssh-dss-cert-v01@openssh.com", {"P", "Q", "G", "Y"}},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct blob plain = {.len = 0}, certified = {.len = 0};
		char fingerprint[POLICY_KEY_MAX];

		add(&plain, cases[i].type);
		add(&certified, cases[i].certified);
		add(&certified, "nonce");
		for (int j = 0; j < 4 && cases[i].fields[j] != NULL; j++) {
			add(&plain, cases[i].fields[j]);
			add(&certified, cases[i].fields[j]);
		}
		add(&certified, "serial and all that");
		snprintf(fingerprint, sizeof(fingerprint), "%s", read_blob(&plain));
		cr_expect(policy_key_is_fingerprint(fingerprint));
		cr_expect_str_eq(read_blob(&certified), fingerprint, "%s", cases[i].type);
	}
}

Test(keys, what_makes_no_sense_is_passed_over)
{
	static const char *const infos[] = {"", "\n", "\n\n", "password\n",
	    "keyboard-interactive/pam\n", "publickey", "publickey ", "publickey \n",
	    "publickey ssh-ed25519", "publickey ssh-ed25519 \n", "publickey ssh-ed25519 AAA\n",
	    "publickey ssh-ed25519 A===\n", "publickey ssh-ed25519 ====\n",
	    "publickey ssh-ed25519 AA*A\n", "publickey ssh-ed25519 AAAA====\n",
	    "publickeys ssh-ed25519 "
	    "AAAAC3NzaC1lZDI1NTE5AAAAIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g\n",
	    "hostbased ssh-ed25519 "
	    "AAAAC3NzaC1lZDI1NTE5AAAAIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g\n",
	    /* The type's length goes past the end. */
	    "publickey ssh-ed25519 /////3NzaC1lZDI1NTE5\n"};
	struct blob certified = {.len = 0};

	cr_expect_eq(keys_read(NULL, got), 0);
	for (size_t i = 0; i < sizeof(infos) / sizeof(infos[0]); i++)
		cr_expect_eq(keys_read(infos[i], got), 0, "%s", infos[i]);
	/* Certificates that end too early, and of a type that nobody knows. */
	add(&certified, "ssh-rsa-cert-v01@openssh.com");
	cr_expect_str_eq(read_blob(&certified), "");
	add(&certified, "nonce");
	cr_expect_str_eq(read_blob(&certified), "");
	add(&certified, "e");
	cr_expect_str_eq(read_blob(&certified), "");
	certified.len = 0;
	add(&certified, "ssh-new-cert-v01@openssh.com");
	for (int i = 0; i < 6; i++)
		add(&certified, "field");
	cr_expect_str_eq(read_blob(&certified), "");
}

Test(keys, several_lines)
{
	static const char key[] =
	    "publickey ssh-ed25519 "
	    "AAAAC3NzaC1lZDI1NTE5AAAAIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g";
	static const char fingerprint[] = "SHA256:mKqU+0K8OhKmA8bBQi9Rz0Q5l7/g160hIP+rJYSTNj4";
	char info[4096] = "password\n";

	for (size_t i = 0; i < POLICY_KEYS_MAX + 3; i++) {
		size_t wanted = i + 1 < POLICY_KEYS_MAX ? i + 1 : POLICY_KEYS_MAX;

		snprintf(info + strlen(info), sizeof(info) - strlen(info), "%s%s\n", key,
		    i % 2 == 0 ? " and more" : "");
		cr_assert_eq(keys_read(info, got), wanted);
		cr_expect_str_eq(got[wanted - 1], fingerprint);
	}
}
