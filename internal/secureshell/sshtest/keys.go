//go:build linux

package sshtest

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// GenerateKey makes a pair of keys at path and path.pub by ssh-keygen, ed25519 without a passphrase where arguments say nothing else, and returns path.
func GenerateKey(t testing.TB, path string, arguments ...string) string {
	t.Helper()
	Keygen(t, append([]string{"-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", path}, arguments...)...)
	return path
}

// Keygen runs ssh-keygen.
func Keygen(t testing.TB, arguments ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), find(t, "ssh-keygen", "openssh-client"), arguments...)
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v\n%s", err, out)
	}
}

// public is the public key beside path, without its comment.
func public(t testing.TB, path string) string {
	t.Helper()
	fields := strings.Fields(read(t, path+".pub"))
	if len(fields) < 2 {
		t.Fatalf("%s.pub holds no key", path)
	}
	return fields[0] + " " + fields[1]
}

// find returns the path of a program, which may stand where only root's PATH leads.
func find(t testing.TB, program, of string) string {
	t.Helper()
	if path, err := exec.LookPath(program); err == nil {
		return path
	}
	if info, err := os.Stat("/usr/sbin/" + program); err == nil && info.Mode()&0o111 != 0 {
		return "/usr/sbin/" + program
	}
	complaint := program + " is missing: apt-get install " + of
	if os.Getenv("CI") == "true" {
		t.Fatal(complaint)
	}
	t.Skip(complaint)
	return ""
}

func read(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
