//go:build !unix

package caddy

import (
	"io/fs"
	"os"
)

// keepOwner: a new file inherits what its directory says.
func keepOwner(*os.File, fs.FileInfo) error { return nil }

// syncDirectory: directories cannot be synced here.
func syncDirectory(string) error { return nil }
