package secureshell

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// understood is what the lines of a known_hosts file say that can be read; the others are left out, as OpenSSH does: they are of keys and forms
// that are no more, or that are not known yet, and mostly of other machines. A line that revokes something is never left out. why is the error
// of the whole file, and that of one of which nothing can be read.
func understood(text []byte, why error) (ssh.HostKeyCallback, error) {
	directory, err := os.MkdirTemp("", "known_hosts-*")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(directory) }()
	// The library reads files alone.
	read := func(lines [][]byte) (ssh.HostKeyCallback, error) {
		path := filepath.Join(directory, "lines")
		if err := os.WriteFile(path, bytes.Join(lines, []byte("\n")), 0o600); err != nil {
			return nil, err
		}
		return knownhosts.New(path)
	}
	lines := bytes.Split(text, []byte("\n"))
	for _, number := range unreadable(lines, 0, read) {
		// In front of it there may be a mark of the order of bytes.
		if slices.ContainsFunc(bytes.Fields(lines[number]), func(word []byte) bool { return bytes.HasSuffix(word, []byte("@revoked")) }) {
			_, err := read(lines[number : number+1])
			return nil, fmt.Errorf("line %d revokes a key, and cannot be read: correct it, or take it out (%w)", number+1, err)
		}
		lines[number] = nil // The others keep their numbers.
	}
	if !slices.ContainsFunc(lines, func(line []byte) bool { line = bytes.TrimSpace(line); return len(line) > 0 && line[0] != '#' }) {
		return nil, why
	}
	return read(lines)
}

// unreadable are the numbers, from first on, of the lines that cannot be read. They are few: halves without any are read at once.
func unreadable(lines [][]byte, first int, read func([][]byte) (ssh.HostKeyCallback, error)) []int {
	if _, err := read(lines); err == nil {
		return nil
	}
	if len(lines) == 1 {
		return []int{first}
	}
	half := len(lines) / 2
	return append(unreadable(lines[:half], first, read), unreadable(lines[half:], first+half, read)...)
}
