package acceptance_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func procPath(pid int, file string) string { return fmt.Sprintf("/proc/%d/%s", pid, file) }

// childrenOf are the processes whose parent is pid.
func childrenOf(pid int) []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var children []int
	for _, e := range entries {
		child, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		status, err := os.ReadFile(procPath(child, "status"))
		if err == nil && strings.Contains(string(status), fmt.Sprintf("\nPPid:\t%d\n", pid)) {
			children = append(children, child)
		}
	}
	return children
}

// killProviders ends all of the provider's processes below a Terraform's with kill -9: beside the one that applies there is
// one that evaluates functions, and nothing tells them apart. It returns how many there were.
func killProviders(t *testing.T, terraform int) int {
	t.Helper()
	killed := 0
	for _, child := range childrenOf(terraform) {
		if executable, _ := os.Readlink(procPath(child, "exe")); executable != built.provider && executable != built.crashing {
			continue
		}
		if err := syscall.Kill(child, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		killed++
	}
	return killed
}

func eventName(number int) string { return fmt.Sprintf("%08d.json", number) }
