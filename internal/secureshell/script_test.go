//go:build unix

package secureshell

import (
	"bytes"
	"os"
	"os/exec"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/shellword"
)

// Whatever the login shell is, and whatever is called sh, the script arrives as it is.
func TestEveryShellRunsTheScript(t *testing.T) {
	var bytesOfAll []byte
	for b := 1; b < 256; b++ {
		bytesOfAll = append(bytesOfAll, byte(b))
	}
	// No command of the script may take part of its standard input.
	script := "printf '%s' " + shellword.Quote(string(bytesOfAll)) + "\n# !! %s $(exit 3) `x`\nset --\n$unset printf '%s' \"${s-unset}$#\"\ncat\n"
	line, err := scriptLine(script)
	if err != nil {
		t.Fatal(err)
	}
	input := "input\n\\n '!! %s\n" + string(bytesOfAll)
	ran := 0
	for _, sh := range []string{"dash", "bash", "busybox", "ksh", "zsh"} {
		path, err := exec.LookPath(sh)
		if err != nil {
			continue
		}
		directory := t.TempDir()
		if err := os.Symlink(path, directory+"/sh"); err != nil {
			t.Fatal(err)
		}
		for _, login := range []string{"sh", "bash", "dash", "fish", "csh", "tcsh", "zsh", "ksh"} {
			program, err := exec.LookPath(login)
			if err != nil {
				continue
			}
			ran++
			shell := exec.CommandContext(t.Context(), program, "-c", command("mark"))
			shell.Env = []string{"PATH=" + directory + ":" + os.Getenv("PATH"), "HOME=" + directory, "LANG=C.UTF-8"}
			shell.Stdin = bytes.NewReader(append(bytes.Clone(line), input...))
			var stderr bytes.Buffer
			shell.Stderr = &stderr
			printed, err := shell.Output()
			out := newOutput("mark")
			_, _ = out.Write(printed)
			got, begun := out.result()
			if want := string(bytesOfAll) + "unset0" + input; err != nil || !begun || string(got) != want {
				t.Errorf("login shell %s, sh is %s: %v: %s\n%q\nwant\n%q", login, sh, err, stderr.String(), got, want)
			}
			if out.process() != shell.Process.Pid {
				t.Errorf("login shell %s, sh is %s: process %d, want %d", login, sh, out.process(), shell.Process.Pid)
			}
		}
	}
	if ran == 0 {
		t.Skip("none of the shells is here: apt-get install dash")
	}
}

func TestScriptThatIsCutOffIsNotRun(t *testing.T) {
	line, err := scriptLine("echo ran")
	if err != nil {
		t.Fatal(err)
	}
	for end := range len(line) - 1 {
		shell := exec.CommandContext(t.Context(), "sh", "-c", command("mark"))
		shell.Stdin = bytes.NewReader(line[:end])
		if printed, err := shell.Output(); err == nil || len(printed) > 0 {
			t.Errorf("%q prints %q, %v", line[:end], printed, err)
		}
	}
}

func TestOutputBeginsWithTheScript(t *testing.T) {
	for _, size := range []int{1, 3, 1000} {
		out := newOutput("mark")
		text := "welcome mark\n" + "mark 123\nand mark 4\n"
		for i := 0; i < len(text); i += size {
			_, _ = out.Write([]byte(text[i:min(len(text), i+size)]))
		}
		if got, begun := out.result(); !begun || string(got) != "and mark 4\n" || out.process() != 123 {
			t.Errorf("%q, %t, %d", got, begun, out.process())
		}
	}
	out := newOutput("mark")
	for range 2 {
		_, _ = out.Write(make([]byte, maxNoise))
	}
	select {
	case <-out.full:
	default:
		t.Error("noise is not bounded")
	}
}
