#!/bin/bash
# Writes seeds for the fuzzers below the directory given: codec/ and session/.
set -e
out=${1:?usage: seeds.sh DIRECTORY}
mkdir -p "$out/codec" "$out/session"

# byte VALUE, u32 VALUE, u64 VALUE, str TEXT: bytes as they go over the wire.
byte() { printf "\\x$(printf %02x "$1")"; }
u32() {
	local shift
	for shift in 24 16 8 0; do byte $(($1 >> shift & 255)); done
}
u64() { u32 $(($1 >> 32)); u32 $(($1 & 0xffffffff)); }
str() { u32 ${#1}; printf %s "$1"; }
# The open handle in that place, on its first use.
handle() { u32 8; u32 "$1"; u32 1; }
attrs() { u32 15; u64 5; u32 0; u32 0; u32 420; u32 1; u32 2; }

# packet FILE TYPE COMMAND...: adds to a session's file the request of that type, with the fields that
# the commands (each one word, parts separated by commas) write.
packet() {
	local file=$1 type=$2 command
	shift 2
	{
		byte "$type"
		u32 7
		for command; do ${command//,/ }; done
	} >"$out/body"
	{
		byte $(($(wc -c <"$out/body") & 255))
		byte $(($(wc -c <"$out/body") >> 8))
		cat "$out/body"
	} >>"$out/session/$file"
}

rm -f "$out"/session/* "$out"/codec/*
packet open 3 str,new u32,26 attrs
packet close 4 handle,0
packet read 5 handle,0 u64,0 u32,100
packet write 6 handle,2 u64,3 str,data
packet lstat 7 str,d/l
packet fstat 8 handle,1
packet setstat 9 str,f attrs
packet fsetstat 10 handle,2 attrs
packet readdir 12 handle,1
packet readdir 12 handle,1
packet opendir 11 str,.
packet remove 13 str,f
packet mkdir 14 str,new u32,0
packet rmdir 15 str,d
packet realpath 16 str,d/../d/l
packet stat 17 str,d/l
packet rename 18 str,f str,d/f
packet readlink 19 str,d/l
packet symlink 20 str,d str,new
for name in posix-rename hardlink; do packet $name 200 str,$name@openssh.com str,f str,g; done
for name in fstatvfs fsync; do packet $name 200 str,$name@openssh.com handle,0; done
packet statvfs 200 str,statvfs@openssh.com str,d
packet lsetstat 200 str,lsetstat@openssh.com str,d/l u32,8 u32,1 u32,2
packet limits 200 str,limits@openssh.com
packet expand 200 str,expand-path@openssh.com str,~/d/../f
packet copy 200 str,copy-data handle,0 u64,0 u64,0 handle,2 u64,1
packet home 200 str,home-directory str,root
packet names 200 str,users-groups-by-id@openssh.com u32,8 u32,0 u32,1 u32,4 u32,0
packet upload 3 str,a.part u32,26 u32,0
packet upload 6 handle,3 u64,0 str,content
packet upload 10 handle,3 attrs
packet upload 4 handle,3
packet upload 18 str,a.part str,a
packet upload 17 str,a

# One for each shape of fuzz_codec.c, in its order.
number=0
codec() {
	local command
	{
		byte $number
		for command; do ${command//,/ }; done
	} >"$out/codec/$number"
	number=$((number + 1))
}
codec str,name u32,26 attrs
codec handle,0
codec handle,0 u64,1 u32,2
codec handle,0 u64,1 str,data
codec str,name
codec str,name attrs
codec handle,0 attrs
codec str,old str,new
codec handle,0 u64,1 u64,2 handle,1 u64,3
codec
codec u32,2147483652 u32,420 u32,1 str,a str,b
codec str,data
codec str,old str,new attrs attrs
codec u32,8 u32,0 u32,1 u32,4 u32,2
rm "$out/body"
