package process

import (
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

func TestParseStat(t *testing.T) {
	// A program may be called what it likes.
	line := "4242 (a) R (b\n) S 1 4240 4239 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 987654 1000 1 18446744073709551615 0 0"
	info, err := parseStat([]byte(line))
	if want := (Info{PID: 4242, Name: "a) R (b\n", Group: 4240, Session: 4239, Start: 987654}); err != nil || info != want {
		t.Errorf("got %+v, %v", info, err)
	}
	if info, err := parseStat([]byte(strings.Replace(line, ") S", ") Z", 1))); err != nil || !info.Zombie {
		t.Errorf("got %+v, %v", info, err)
	}
	if info, err := parseStat([]byte(strings.Replace(strings.Replace(line, ") S", ") Z", 1), "20 0 1 0", "20 0 2 0", 1))); err != nil || info.Zombie {
		t.Errorf("a thread of it lives: %+v, %v", info, err)
	}
	for _, bad := range []string{"", "1", "1 (a", ") 1 (", "1 (a) S 1 2 3", strings.Replace(line, "987654", "x", 1)} {
		if _, err := parseStat([]byte(bad)); !errors.Is(err, errForm) {
			t.Errorf("%q: got %v", bad, err)
		}
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte("1 (init) S 0 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 5 0 0"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if info, err := parseStat(data); err == nil && !strings.Contains(string(data), info.Name) {
			t.Errorf("the name %q is made up", info.Name)
		}
	})
}

func TestParseTable(t *testing.T) {
	table := `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0 100 0 0 10 0
   1: 0100007F:1F90 0100007F:D431 01 00000000:00000000 00:00000000 00000000  1000        0 4712 1 0 20 4 30 10 -1
   2: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 4713 1 0 100 0 0 10 0
`
	found, err := parseTable(strings.NewReader(table))
	want := []Listener{
		{Address: netip.MustParseAddrPort("127.0.0.1:8080"), Inode: 4711, User: 1000},
		{Address: netip.MustParseAddrPort("[::1]:80"), Inode: 4713},
	}
	if err != nil || len(found) != 2 || found[0] != want[0] || found[1] != want[1] {
		t.Errorf("got %+v, %v", found, err)
	}
	if _, err := parseTable(strings.NewReader("heading\n 0: XYZ:1 0:0 0A 0 0 0 1000 0 1 1\n")); !errors.Is(err, errForm) {
		t.Errorf("got %v", err)
	}
}

// A socket of ours is found under each address that reaches it, and no other.
func TestListenersAndHolder(t *testing.T) {
	for on, c := range map[string]struct{ reached, other []string }{
		"127.0.0.1:0": {[]string{"127.0.0.1", "::ffff:127.0.0.1"}, []string{"127.0.0.2", "::1"}},
		"0.0.0.0:0":   {[]string{"127.0.0.1", "127.0.0.2"}, nil},
		":0":          {[]string{"127.0.0.1", "::1"}, nil},
	} {
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", on)
		if err != nil {
			t.Fatal(err)
		}
		address, ok := l.Addr().(*net.TCPAddr)
		if !ok {
			t.Fatal("no TCP address")
		}
		for _, a := range c.reached {
			found, err := Listeners(netip.MustParseAddr(a), address.Port)
			if err != nil || len(found) != 1 {
				t.Fatalf("%s at %s: %v, %v", on, a, found, err)
			}
			if holder, known := Holder(found[0].Inode); !known || holder.PID != os.Getpid() {
				t.Errorf("%s at %s is held by %v", on, a, holder)
			}
		}
		for _, a := range c.other {
			if found, err := Listeners(netip.MustParseAddr(a), address.Port); err != nil || len(found) != 0 {
				t.Errorf("%s at %s: %v, %v", on, a, found, err)
			}
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if found, err := Listeners(netip.Addr{}, address.Port); err != nil || len(found) != 0 {
			t.Errorf("%s, closed: %v, %v", on, found, err)
		}
	}
}

// A session of which nobody is left that is known: its number may be another's by now, and only the mark tells.
func TestMembersOfASessionThatItsMakerLeft(t *testing.T) {
	const mark = "MARK=production/web/1.0.0"
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reader.Close() }()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", "read -r go; sleep 3601 & echo")
	cmd.Env = append(os.Environ(), mark)
	cmd.Stdin = reader
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	maker, err := Of(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := writer.WriteString("go\n"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(cmd.Wait(), writer.Close()); err != nil {
		t.Fatal(err)
	}
	ours := Group{Session: maker, Mark: mark}
	for name, other := range map[string]Group{
		"no mark": {Session: maker}, "another mark": {Session: maker, Mark: mark + "1"}, "another boot": {Session: Identity{maker.PID, maker.Start, "x"}, Mark: mark},
		"a later session": {Session: Identity{maker.PID, maker.Start + 1_000_000, maker.Boot}, Mark: mark},
	} {
		if members, err := other.Members(); err != nil || len(members) != 0 {
			t.Errorf("%s: %v, %v", name, members, err)
		}
	}
	if members, err := ours.Members(); err != nil || len(members) != 1 {
		t.Errorf("members %v, %v", members, err)
	}
	if err := ours.Kill(t.Context()); err != nil {
		t.Error(err)
	}
	if members, err := ours.Members(); err != nil || len(members) != 0 {
		t.Errorf("left: %v, %v", members, err)
	}
}

func TestIdentity(t *testing.T) {
	self, err := Of(os.Getpid())
	if err != nil || !self.Alive() {
		t.Fatalf("we are not alive: %v", err)
	}
	for what, i := range map[string]Identity{
		"another start":               {self.PID, self.Start + 1, self.Boot},
		"another start of the system": {self.PID, self.Start, "x"},
		"nobody":                      {},
		"all of a group":              {-self.PID, self.Start, self.Boot},
	} {
		// Were it taken for us, the test would end here.
		if sent, err := i.Signal(syscall.SIGKILL); sent || err != nil || i.Alive() {
			t.Errorf("%s: sent %t, %v", what, sent, err)
		}
	}
	if sent, err := self.Signal(syscall.Signal(0)); !sent || err != nil {
		t.Errorf("sent %t, %v", sent, err)
	}
	if _, err := Read(1 << 30); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nobody: %v", err)
	}
}
