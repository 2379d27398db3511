package connect

import "io/fs"

// ownerOf knows nobody: Windows has other rights.
func ownerOf(fs.FileInfo) (uid uint32, known bool) { return 0, false }
