# What all scripts begin with; the variables and guard stand before it. Answers are lines on standard output.
set -u
umask 022
LC_ALL=C
export LC_ALL
unset TAR_OPTIONS GZIP ZSTD_NBTHREADS CDPATH

answer() { printf '%s\n' "$*"; }

fail() {
	printf '%s\n' "$*" >&2
	exit 1
}

# permitted asks the guard, in the subshell of an effect.
permitted() { guard </dev/null >&2 || exit; }

# erase removes a tree, also one with directories that must not be written to.
erase() {
	rm -rf -- "$1" 2>/dev/null && return
	chmod -R u+rwX -- "$1" 2>/dev/null
	rm -rf -- "$1"
}

# private keeps others from the locks on a file: whoever may read it could take one, and keep it.
private() { chmod go-r -- "$1" 2>/dev/null; }

# size of what is open as descriptor 7, in bytes.
size() { stat -L -c %s /proc/self/fd/7; }

# same: descriptor 7 is still what is called so.
same() { [ "$1" -ef /proc/self/fd/7 ]; }

# lock takes the lock on descriptor 7, and waits up to 20 seconds. A process that appends to the file and does not get on
# (its connection may be gone without a word) is ended: it is the one that has the file as its standard output.
lock() {
	lock_seen='' lock_quiet=0 lock_waited=0
	while ! flock -w 1 7; do
		lock_waited=$((lock_waited + 1))
		[ "$lock_waited" -lt 20 ] || return 1
		lock_now=$(size)
		lock_quiet=$((lock_quiet + 1))
		[ "$lock_now" = "$lock_seen" ] || lock_quiet=0
		lock_seen=$lock_now
		[ "$lock_quiet" -ge 5 ] || continue
		for process in /proc/[0-9]*; do
			[ "$process/fd/1" -ef /proc/self/fd/7 ] && kill -9 "${process#/proc/}"
		done
		lock_quiet=0
	done
}
