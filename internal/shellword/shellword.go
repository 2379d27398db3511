// Package shellword makes texts words of a POSIX shell.
package shellword

import "strings"

// Quote makes text one word of a POSIX shell, whatever is in it.
func Quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
