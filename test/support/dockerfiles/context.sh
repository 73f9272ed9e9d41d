# The folder that every case builds from, made where this runs; `$1/bin/busybox` goes to a page-sized program.
set -eu
umask 022
mkdir -p dir/sub dir/empty other deep/a/b/c 'with space' src
echo one >one.txt
echo two >two.txt
chmod 600 two.txt
printf '#!/bin/sh\necho ran "$@"\n' >run.sh
chmod 755 run.sh
echo a >dir/a.txt
echo b >dir/b.txt
echo c >dir/sub/c.md
echo hidden >dir/.hidden
ln -s a.txt dir/link
ln -s /etc/passwd dir/absolute
ln -s nowhere dir/dangling
ln -s sub dir/to-sub
ln dir/a.txt dir/hard
ln -s dir top-link
ln -s one.txt file-link
echo o >other/o.txt
chown 1000:50 other/o.txt
chmod 750 other
echo deep >deep/a/b/c/file.go
echo mid >deep/a/mid.go
echo spaced >'with space/a file.txt'
echo bracket >'[x].txt'
echo x >x.txt
echo star >'a*b.txt'
echo axb >axb.txt
echo unicode >ünï.txt
echo setuid >setuid
chmod 4755 setuid
mkdir sticky setgid
chmod 1777 sticky
chmod 2775 setgid
: >empty
printf 'int main(void) { return 0; }\n' >src/main.c
setfattr -n user.note -v kept dir/b.txt
printf 'A=1\nB=two words\n' >env.list
mkdir -p pack/in
echo packed >pack/in/file
chown 12:34 pack/in/file
ln -s in/file pack/link
chmod 700 pack/in
tar -C pack -cf plain.tar .
tar -C pack -czf packed.tar.gz .
tar -C pack -cjf packed.tbz .
tar -C pack -cJf packed.tar.xz .
gzip -c one.txt >one.txt.gz
printf 'not a tar' >fake.tar
printf '\r\nwindows\r\n' >crlf.txt
