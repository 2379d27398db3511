package artifact

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"unicode"
)

// Program is what an artifact has under the name of the program that is to be run, links followed.
type Program struct {
	// Found: there is such a file. Executable: its mode says that it may be executed.
	Found, Executable bool
	// Head is how it begins where it is executable: at most headSize bytes, of a script its first line.
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
	// Unfit is why it would not run although its mode says so; empty where its mode does not.
	Unfit string
	// Instead is a file of the artifact that may be meant; empty: none is known.
	Instead string
}

// Error implements error.
func (e *ProgramError) Error() string {
	switch {
	case e.Unfit != "":
		return fmt.Sprintf("the program %s cannot be run: %s", e.Name, e.Unfit)
	case e.Found:
		return fmt.Sprintf("the program %s is not executable: pack it with its mode, 0755", e.Name)
	case e.Instead != "":
		return fmt.Sprintf("the program %s is not among the release's files: the artifact has %s; write ./%s as the first of content.host.command, or pack it where it is looked for", e.Name, e.Instead, e.Instead)
	}
	return fmt.Sprintf("the program %s is not among the release's files: is content.host.command[0] written as it is in the artifact?", e.Name)
}

// Runs tells whether the program called name, which was asked about, can be run; otherwise the error is a *ProgramError.
func (p Program) Runs(name string) error {
	unfit := unfit(p.Head)
	if p.Found && p.Executable && unfit == "" {
		return nil
	}
	return &ProgramError{Name: name, Found: p.Found, Unfit: unfit, Instead: p.Instead}
}

// headSize tells what an executable is for: it is as much of a script's first line as Linux reads. An ELF program's header is shorter.
const headSize = 256

// unfit says why what begins so runs on no machine with Linux; empty: it may. What is no ELF program and no script may be one that a machine was
// taught to run (binfmt_misc).
func unfit(head string) string {
	line, _, ended := strings.Cut(head, "\n")
	switch {
	case strings.HasPrefix(head, "#!") && ended && strings.HasSuffix(line, "\r"):
		return "its first line ends as lines of Windows do, so its interpreter is not found: write it with LF alone"
	case machO(head):
		return "it is a program for macOS: build it for linux"
	}
	return ""
}

// machO tells whether a program is for macOS: for one kind of processor, or for a few, where a class of Java has a version of 45 or more.
// Source: Apple's mach-o/loader.h and fat.h.
func machO(head string) bool {
	few := strings.HasPrefix(head, "\xca\xfe\xba\xbe\x00\x00\x00") && len(head) > 7 && head[7] < 45
	return few || strings.HasPrefix(head, "\xcf\xfa\xed\xfe") || strings.HasPrefix(head, "\xce\xfa\xed\xfe")
}

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
		if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
			continue // It would not be seen for what it is.
		}
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
		if line := bytes.IndexByte(head, '\n'); line >= 0 && bytes.HasPrefix(head, []byte("#!")) {
			head = head[:line+1]
		}
		file.head = string(head)
	}
	c.files[name] = file
}
