#!/bin/bash
# Writes seeds for the fuzzers below the directory given, codec/ and session/, and a dictionary, words.
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

# piece FILE KIND: adds what it reads to a session's file as a piece of that kind (fuzz_session.c); the
# file begins with $way.
way=0
piece() {
	local file=$out/session/$1 size
	cat >"$out/body"
	size=$(wc -c <"$out/body")
	[ -e "$file" ] || { byte $((way & 255)); byte $((way >> 8)); } >"$file"
	{
		byte $((size & 255))
		byte $((size >> 8 | $2 << 4))
		cat "$out/body"
	} >>"$file"
}

# packet FILE TYPE COMMAND...: adds the request of that type, with the fields that the commands (each one
# word, parts separated by commas) write.  Its id is the type.
kind=0
packet() {
	local file=$1 type=$2 command
	shift 2
	{
		byte "$type"
		u32 "$type"
		for command; do ${command//,/ }; done
	} | piece "$file" $kind
}

rm -f "$out"/session/* "$out"/codec/*
# Handle 0 is s, open for reading, and 1 is d.  In these a third is n, open for writing.
way=8
packet write 6 handle,2 u64,3 str,data
packet fsetstat 10 handle,2 attrs
for name in fstatvfs fsync; do packet $name 200 str,$name@openssh.com handle,2; done
packet copy 200 str,copy-data handle,0 u64,0 u64,0 handle,2 u64,3
packet copy 200 str,copy-data handle,0 u64,1 u64,5 handle,2 u64,0
packet copy 200 str,copy-data handle,2 u64,0 u64,9 handle,2 u64,3
# More than there is room for, of a hole.
packet copy 9 str,s u32,1 u64,1099511627776
packet copy 200 str,copy-data handle,0 u64,4096 u64,0 handle,2 u64,0
way=0
packet open 3 str,new u32,26 attrs
packet close 4 handle,0
packet read 5 handle,0 u64,0 u32,100
packet lstat 7 str,d/l
packet fstat 8 handle,1
packet setstat 9 str,f attrs
packet readdir 12 handle,1
packet readdir 12 handle,1
packet opendir 11 str,.
packet opendir 12 handle,2
packet remove 13 str,f
packet mkdir 14 str,new u32,0
packet rmdir 15 str,d
packet realpath 16 str,d/../d/l
packet stat 17 str,d/l
packet rename 18 str,f str,d/f
packet readlink 19 str,d/l
packet symlink 20 str,d str,new
for name in posix-rename hardlink; do packet $name 200 str,$name@openssh.com str,f str,g; done
packet statvfs 200 str,statvfs@openssh.com str,d
packet lsetstat 200 str,lsetstat@openssh.com str,d/l u32,8 u32,1 u32,2
packet limits 200 str,limits@openssh.com
packet expand 200 str,expand-path@openssh.com str,~/d/../f
packet expand 200 str,expand-path@openssh.com str,~nobody/x
for user in root ''; do packet home 200 str,home-directory str,$user; done
packet names 200 str,users-groups-by-id@openssh.com u32,8 u32,0 u32,1 u32,4 u32,0
packet unknown 99
packet upload 3 str,a.part u32,26 u32,0
packet upload 6 handle,2 u64,0 str,content
packet upload 10 handle,2 attrs
packet upload 4 handle,2
packet upload 18 str,a.part str,a
packet upload 17 str,a
# Modes and kinds in a listing, setuid, setgid and sticky too.
packet modes 9 str,f u32,4 u32,3584
packet modes 9 str,d/g u32,4 u32,4095
packet modes 11 str,/
packet modes 12 handle,2
packet modes 12 handle,1
# Long paths.
long=d
for _ in {1..10}; do long=$long/../$long; done
packet long 16 "str,${long:0:4000}"
packet long 7 "str,${long:0:4000}"
packet long 20 str,x "str,${long:0:4000}"
packet long 19 str,x
packet long 16 str,x/y
packet long 200 str,expand-path@openssh.com "str,~/${long:0:4000}"
packet long 20 str,y str,y
packet long 16 str,y/y
# More handles than a session may have, and places of theirs used again.
for number in {1..20}; do packet handles 3 str,f u32,1 u32,0; done
for number in {2..9}; do packet handles 4 handle,$number; done
for number in {1..9}; do packet handles 11 str,d; done
# Much data of a file: by pages, with changes right behind it.
for offset in 0 100000 200000; do packet bulk 5 handle,0 u64,$offset u32,261120; done
packet bulk 9 str,s u32,1 u64,5000
packet bulk 5 handle,0 u64,0 u32,32768
packet bulk 3 str,s u32,3 u32,0
kind=1
packet bulk 6 handle,2 u64,1000 u32,32768
kind=2
packet bulk 6 handle,2 u64,4096 u32,261120
kind=0
packet bulk 4 handle,2
for offset in 0 1 4095; do packet bulk 5 handle,0 u64,$offset u32,65536; done
packet bulk 3 str,s u32,26 u32,0
packet bulk 5 handle,0 u64,0 u32,32768
# How a session can go: see enum way.
for way in 1 2 3 4 16 32 48 64 128 195 256 352; do
	for request in upload bulk readdir symlink; do
		{ byte $((way & 255)); byte $((way >> 8)); } >"$out/session/$request-$way"
		tail -c +3 "$out/session/$request" >>"$out/session/$request-$way"
	done
done
way=0
# What is no request.
u32 300000 | piece length 3
u32 0 | piece nothing 3
{ u32 3; byte 1; byte 2; byte 3; } | piece short 3
{ u32 100; byte 3; } | piece cut 3
packet init 1

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

# Words of the protocol, for -dict=: what chance would be long in finding.
{
	for word in posix-rename@openssh.com statvfs@openssh.com fstatvfs@openssh.com \
		hardlink@openssh.com fsync@openssh.com lsetstat@openssh.com limits@openssh.com \
		expand-path@openssh.com copy-data home-directory users-groups-by-id@openssh.com \
		f d d/g d/l p s n new . .. / ../f ~ ~/d; do
		printf '"\\x00\\x00\\x00\\x%02x%s"\n' ${#word} "$word"
	done
	for number in 0 1 2 3 4; do
		printf '"\\x00\\x00\\x00\\x08\\x00\\x00\\x00\\x%02x\\x00\\x00\\x00\\x01"\n' $number
	done
} >"$out/words"
