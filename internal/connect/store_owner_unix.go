//go:build unix

package connect

import (
	"io/fs"
	"syscall"
)

// ownerOf is the user whose a file is; known is false where the system does not tell.
func ownerOf(info fs.FileInfo) (uid uint32, known bool) {
	status, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return status.Uid, true
}
