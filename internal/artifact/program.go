package artifact

import (
	"fmt"
	"io/fs"
	"path"
)

// Program is what an artifact has under the name of the program that is to be run, links followed.
type Program struct {
	// Found: there is such a file. Executable: its mode says that it may be executed.
	Found, Executable bool
	// Head is how it begins where it is executable, at most headSize bytes.
	Head string
	// Instead is a file that may be meant, where there is none of that name: one that is called so in another directory, or the only one
	// that is executable; empty: none.
	Instead string
}

// ProgramError says that what a release is to run cannot be run from its artifact. It is said of host.command.
type ProgramError struct {
	// Name is the program's, as it was asked for.
	Name string
	// Found: it is there, and not executable.
	Found bool
	// Instead is a file of the artifact that may be meant; empty: none is known.
	Instead string
}

// Error implements error.
func (e *ProgramError) Error() string {
	switch {
	case e.Found:
		return fmt.Sprintf("the program %s is not executable: pack it with its mode, 0755", e.Name)
	case e.Instead != "":
		return fmt.Sprintf("the program %s is not among the release's files: the artifact has %s; write ./%s as the first of content.host.command, or pack it where it is looked for", e.Name, e.Instead, e.Instead)
	}
	return fmt.Sprintf("the program %s is not among the release's files: is content.host.command[0] written as it is in the artifact?", e.Name)
}

// Runs tells whether the program called name, which was asked about, can be run; otherwise the error is a *ProgramError.
func (p Program) Runs(name string) error {
	if p.Found && p.Executable {
		return nil
	}
	return &ProgramError{Name: name, Found: p.Found, Instead: p.Instead}
}

// headSize tells what an executable is for: it is as much of an ELF program's header.
const headSize = 20

// packed is a file of an artifact.
type packed struct {
	executable bool
	head       string
}

// contents are the files of an artifact, and the targets of its symbolic links, by their names. A link may come before what it leads to.
type contents struct {
	files map[string]packed
	links map[string]string
}

// maxLinks is how many links are followed, as Linux has it.
const maxLinks = 40

// resolve is the file that name leads to. No link leads outside, nor has .. behind a name: see leadsOutside.
func (c contents) resolve(name string) (packed, bool) {
	name = path.Clean(name)
	for range maxLinks + 1 {
		next, found := c.follow(name)
		if !found {
			file, there := c.files[name]
			return file, there
		}
		name = next
	}
	return packed{}, false
}

// follow takes the first link on the way to name.
func (c contents) follow(name string) (string, bool) {
	for end := range len(name) + 1 {
		if end < len(name) && name[end] != '/' {
			continue
		}
		if target, found := c.links[name[:end]]; found {
			return path.Join(path.Dir(name[:end]), target, name[end:]), true
		}
	}
	return "", false
}

// program looks for the one called name.
func (c contents) program(name string) Program {
	if file, found := c.resolve(name); found {
		return Program{Found: true, Executable: file.executable, Head: file.head}
	}
	return Program{Instead: c.instead(path.Base(name))}
}

// instead is a file that is called base, the one with the shortest name of several; or the only executable one.
func (c contents) instead(base string) string {
	named, executable, several := "", "", false
	for name, file := range c.files {
		if path.Base(name) == base && (named == "" || len(name) < len(named) || len(name) == len(named) && name < named) {
			named = name
		}
		if file.executable {
			several = executable != ""
			executable = name
		}
	}
	if named == "" && !several {
		named = executable
	}
	return named
}

// add notes a file. Only the heads of programs are wanted.
func (c contents) add(name string, mode fs.FileMode, head []byte) {
	file := packed{executable: mode&0o111 != 0}
	if file.executable {
		file.head = string(head)
	}
	c.files[name] = file
}
