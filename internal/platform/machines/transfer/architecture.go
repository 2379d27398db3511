package transfer

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/artifact"
)

// architecture is a kind of machine that ELF programs are for.
type architecture struct {
	// name as uname -m has it, golang as GOARCH has it.
	name, golang string
	// header is hexadecimal: class and order of bytes, and, after the twelve bytes of an ELF header that say other things,
	// the kind of machine. Source: the System V ABI's list of e_machine.
	class, machine string
	// alsoOn are others that uname -m may say where such programs run. A kernel may be built without that; to refuse a
	// program that runs would be worse.
	alsoOn []string
}

var architectures = []architecture{
	{name: "x86_64", golang: "amd64", class: "0201", machine: "3e00"},
	{name: "aarch64", golang: "arm64", class: "0201", machine: "b700", alsoOn: []string{"arm64"}},
	{name: "i686", golang: "386", class: "0101", machine: "0300", alsoOn: []string{"i386", "i486", "i586", "x86_64"}},
	{name: "armv7l", golang: "arm", class: "0101", machine: "2800", alsoOn: []string{"armv5tel", "armv5tejl", "armv6l", "armv8l", "aarch64", "arm64"}},
	{name: "riscv64", golang: "riscv64", class: "0201", machine: "f300"},
	{name: "ppc64le", golang: "ppc64le", class: "0201", machine: "1500"},
	{name: "ppc64", golang: "ppc64", class: "0202", machine: "0015"},
	{name: "s390x", golang: "s390x", class: "0202", machine: "0016"},
	{name: "loongarch64", golang: "loong64", class: "0201", machine: "0201"},
	{name: "mips64", golang: "mips64", class: "0202", machine: "0008"},
	{name: "mips64", golang: "mips64le", class: "0201", machine: "0800"},
}

// architectureFunctions are two functions of shell: architecture prints what a program whose first 20 bytes are $1 is for,
// nothing if it is no ELF program or for something that we do not know; runs tells whether a $1 program runs on a $2.
func architectureFunctions() string {
	var heads, pairs strings.Builder
	for _, a := range architectures {
		fmt.Fprintf(&heads, "7f454c46%s%s%s) echo %s ;;\n", a.class, strings.Repeat("?", 24), a.machine, a.name)
		for _, on := range append([]string{a.name}, a.alsoOn...) {
			fmt.Fprintf(&pairs, "%s/%s) return 0 ;;\n", a.name, on)
		}
	}
	return "architecture() {\ncase $1 in\n" + heads.String() + "esac\n}\n" +
		"runs() {\ncase $1/$2 in\n/*) return 0 ;;\n" + pairs.String() + "esac\nreturn 1\n}\n"
}

// architectureOf is what a program that begins so is for; nil if it is no ELF program or for something that we do not know.
func architectureOf(head string) *architecture {
	written := hex.EncodeToString([]byte(head))
	for i, a := range architectures {
		if len(head) >= 20 && strings.HasPrefix(written, "7f454c46"+a.class) && written[36:40] == a.machine {
			return &architectures[i]
		}
	}
	return nil
}

// runsOn tells whether such programs run where uname -m says machine.
func (a *architecture) runsOn(machine string) bool {
	return a == nil || machine == a.name || slices.Contains(a.alsoOn, machine)
}

// ArchitectureError says that a program does not run on a machine.
type ArchitectureError struct {
	Machine string
	Program string
	// Want is the machine's architecture, Got the program's, as uname -m has them ("x86_64", "aarch64").
	Want, Got string
}

// Error implements error.
func (e *ArchitectureError) Error() string { return e.on(e.Machine) }

// Unfit says it without the machine's name, for who tells it of several.
func (e *ArchitectureError) Unfit() string { return e.on("the machine") }

func (e *ArchitectureError) on(machine string) string {
	remedy := "build it for " + e.Want
	i := slices.IndexFunc(architectures, func(a architecture) bool { return a.name == e.Want || slices.Contains(a.alsoOn, e.Want) })
	if i >= 0 {
		remedy = "build it for linux/" + architectures[i].golang
	}
	return fmt.Sprintf("the program %s is for %s, and %s is %s: %s", e.Program, e.Got, machine, e.Want, remedy)
}

// fits looks whether the program that r wants of an artifact is there, and runs on m, which said what it is.
func fits(m Machine, r Request, there answers, contents artifact.Contents) error {
	if r.Program != "" {
		if err := contents.Program.Runs(r.Program); err != nil {
			return err
		}
	}
	if is, machine := architectureOf(contents.Program.Head), there.word("machine", 0); machine != "" && !is.runsOn(machine) {
		return &ArchitectureError{Machine: m.String(), Program: r.Program, Got: is.name, Want: machine}
	}
	return nil
}
