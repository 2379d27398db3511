//go:build !linux

package local

// renameNew gives a directory a name that nothing has; fs.ErrExist where something has it.
func renameNew(old, name string) error { return renameVacant(old, name) }
