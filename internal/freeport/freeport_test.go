package freeport

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"testing"
)

const loopback = "127.0.0.1"

// wanted is the variable that makes this test's program find a port, that one if it can, and say which it was given.
const wanted = "FREEPORT_TEST_WANTED"

func TestMain(m *testing.M) {
	if text, set := os.LookupEnv(wanted); set {
		port, err := strconv.Atoi(text)
		if err == nil {
			port, err = find(loopback, port, port+1)
		}
		fmt.Print(port)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// one is a port that this process has.
func one(t *testing.T) int {
	t.Helper()
	ports, err := Find(loopback, 1)
	if err != nil {
		t.Fatal(err)
	}
	return ports[0]
}

// Of some thousand ports one is chosen again by chance, at any address.
func TestPortsAreGivenOnce(t *testing.T) {
	given := map[int]bool{}
	for n := range 10 {
		address := []string{loopback, "0.0.0.0"}[n%2]
		ports, err := Find(address, 50)
		if err != nil || len(ports) != 50 {
			t.Fatalf("%d ports: %v", len(ports), err)
		}
		for _, port := range ports {
			if given[port] {
				t.Errorf("%d is given again", port)
			}
			given[port] = true
		}
	}
}

func TestNoOtherProcessIsGivenThePort(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("ports are kept from other processes on Linux alone")
	}
	port := one(t)
	runtime.GC()                                          // What nobody refers to any more, it would close.
	other := exec.CommandContext(t.Context(), os.Args[0]) //nolint:gosec // this program
	other.Env, other.Stderr = append(os.Environ(), fmt.Sprintf("%s=%d", wanted, port)), os.Stderr
	output, err := other.Output()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := strconv.Atoi(string(output)); err != nil || got == port || got == 0 {
		t.Errorf("another process is given %q, and %d is ours (%v)", output, port, err)
	}
}

func TestPortsLieBelowThoseOfTheKernel(t *testing.T) {
	limit := outgoingFrom()
	if limit <= lowest {
		t.Skipf("the kernel chooses ports from %d on: none of %d and above are below", limit, lowest)
	}
	for range 50 {
		if port := one(t); port < lowest || port >= limit {
			t.Fatalf("%d is not from %d to %d", port, lowest, limit-1)
		}
	}
}

func TestPortsOfOthersAreLeftAlone(t *testing.T) {
	port := one(t)
	listener, err := listen(loopback, port)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	giveBack(port)
	for _, address := range []string{loopback, "0.0.0.0"} {
		got, err := find(address, port, port+1)
		if err != nil || got == port {
			t.Errorf("at %s: %d, %v; somebody listens at %d", address, got, err, port)
		}
	}
	if _, kept := reserved.ports[port]; kept {
		t.Errorf("%d is reserved, and nobody was given it", port)
	}
}

func TestTheKernelChoosesWhereNothingIsBelow(t *testing.T) {
	given := map[int]bool{}
	for range 50 {
		port, err := find(loopback, lowest, 0)
		if err != nil || port == 0 || given[port] {
			t.Fatalf("%d, %v; given so far: %v", port, err, given)
		}
		given[port] = true
	}
}

func TestWhatIsNoAddressOfOursIsAnError(t *testing.T) {
	if ports, err := Find("192.0.2.1", 1); err == nil {
		t.Errorf("%v at an address of a documentation", ports)
	}
}
