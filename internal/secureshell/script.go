package secureshell

import (
	"errors"
	"fmt"
	"strings"
)

// maxScript bounds a script in bytes. Shells read it byte by byte, so what is large belongs into stdin.
const maxScript = 1 << 20

// command is what the login shell, whichever it is, is given: it holds nothing that any of them takes for its own inside single quotes. The
// script comes as the first line of standard input, since arguments are bounded, and seen by all users of the machine. POSIX has read take not a byte
// more than the line, so that the rest is the script's own input. The line that is printed tells that what runs is the script, and its process.
func command(mark string) string {
	return `exec sh -c 'IFS= read -r s && echo ` + mark + ` $$ && eval "unset s; $(printf %b "$s")"'`
}

// scriptLine is script as one line that printf %b turns into it again.
func scriptLine(script string) ([]byte, error) {
	if len(script) > maxScript {
		return nil, fmt.Errorf("the script is %d bytes long, and at most %d are run: give data by its standard input", len(script), maxScript)
	}
	if strings.ContainsRune(script, 0) {
		return nil, errors.New("the script holds a NUL byte, which no shell takes")
	}
	line := make([]byte, 0, len(script)+len(script)/8+1)
	for i := range len(script) {
		switch b := script[i]; {
		case b == '\\':
			line = append(line, `\\`...)
		case b == '\n':
			line = append(line, `\n`...)
		case b < ' ' || b > '~':
			// Some shells use such bytes for marks of their own.
			line = fmt.Appendf(line, `\0%03o`, b)
		default:
			line = append(line, b)
		}
	}
	return append(line, '\n'), nil
}
