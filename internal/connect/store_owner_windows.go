package connect

import "io/fs"

// ownerOf knows nobody: Windows has other rights.
func ownerOf(fs.FileInfo) (uid, gid int, known bool) { return 0, 0, false }
