package machines

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// unitWord makes text one word of a unit's setting, as systemd.syntax(7) says: quoted, with the escapes of C, specifiers doubled.
func unitWord(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '%':
			b.WriteString("%%")
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// commandLine is the value of ExecStart and its like. $ is doubled: systemd replaces variables in arguments. In the program's path it
// does not, so one there stays as it is.
func commandLine(program string, arguments []string) (string, error) {
	if strings.ContainsAny(program[:min(1, len(program))], "@-:+!|") {
		// Quoted as well: + and ! would even have it run as root.
		return "", fmt.Errorf("systemd takes the beginning of %q for something else than a name: write the program's path", program)
	}
	words := []string{unitWord(program)}
	for n, text := range append([]string{program}, arguments...) {
		if !utf8.ValidString(text) || strings.ContainsRune(text, 0) || strings.ContainsFunc(text, noncharacter) {
			return "", fmt.Errorf("its word %d is not UTF-8, or has a NUL or a code point that Unicode keeps from being a character, such as U+FFFE, and systemd runs no such command: pass that in a file", n)
		}
		if n > 0 {
			words = append(words, strings.ReplaceAll(unitWord(text), "$", "$$"))
		}
	}
	return strings.Join(words, " "), nil
}

// environmentLine is a line of an environment file, as systemd.exec(5) reads it. An error says why the value cannot be passed, and does not hold it.
func environmentLine(name, value string) (string, error) {
	if why := unpassable(value); why != "" {
		return "", fmt.Errorf("the value of %s %s", name, why)
	}
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "`", "\\`", `$`, `\$`).Replace(value)
	return name + `="` + quoted + "\"\n", nil
}

// unpassable says why systemd does not pass on a variable's value, and what to do, as the rest of a sentence that begins with the value;
// empty where it does.
func unpassable(value string) string {
	if !utf8.ValidString(value) {
		return "is not UTF-8, and systemd passes on nothing else: encode it, such as with base64"
	}
	if strings.ContainsFunc(value, noncharacter) {
		return "has a code point that Unicode keeps from being a character, such as U+FFFE, and systemd does not pass it on: take it out, or encode the value, such as with base64"
	}
	for _, r := range value {
		if r == '\r' {
			return `has a carriage return, which systemd does not pass on, as in files with line ends of Windows: take it out, such as with replace(…, "\r\n", "\n"), or encode the value, such as with base64`
		}
		if r < ' ' && r != '\t' && r != '\n' || r == 0x7f {
			return fmt.Sprintf("has a control character (0x%02x), which systemd does not pass on: take it out, or encode the value, such as with base64", r)
		}
	}
	return ""
}

// noncharacter tells whether a code point is one of the 66 that are never to be a character. systemd takes a text with one for no UTF-8.
func noncharacter(r rune) bool { return r >= 0xfdd0 && r <= 0xfdef || r&0xfffe == 0xfffe }
