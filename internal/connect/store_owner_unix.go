//go:build unix

package connect

import (
	"io/fs"
	"syscall"
)

// ownerOf is the user and the group whose a file is; known is false where the system does not tell.
func ownerOf(info fs.FileInfo) (uid, gid int, known bool) {
	status, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, false
	}
	return int(status.Uid), int(status.Gid), true
}
