//go:build linux

package secureshell_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/secureshell"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/secureshell/sshtest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// behind is the machine of s through those of bastions, the nearest to it first.
func behind(s *sshtest.Server, bastions ...*sshtest.Server) service.SSH {
	out := s.SSH()
	if len(bastions) > 0 {
		through := behind(bastions[0], bastions[1:]...)
		out.Bastion = &through
	}
	return out
}

func TestBastions(t *testing.T) {
	inner, second, middle, outer := sshtest.Start(t), sshtest.Start(t), sshtest.Start(t), sshtest.Start(t)
	credentials := sshtest.Credentials{}
	named := func(s service.SSH, servers ...*sshtest.Server) service.SSH {
		at := &s
		for i, server := range servers {
			name := fmt.Sprint("key of ", server.Port)
			credentials[name] = server.Key
			at.PrivateKey = name
			if i < len(servers)-1 {
				at = at.Bastion
			}
		}
		return s
	}
	one, two := named(behind(inner, middle, outer), inner, middle, outer), named(behind(second, middle, outer), second, middle, outer)
	c := connections(t, credentials, secureshell.Options{})
	var group sync.WaitGroup
	for _, s := range []service.SSH{one, two, one, two} {
		group.Go(func() {
			out, err := c.Machine(s).Run(bounded(t), "echo $SSH_CONNECTION", nil)
			if err != nil || !strings.HasSuffix(strings.TrimSpace(string(out)), fmt.Sprint(s.Port)) {
				t.Errorf("%q, %v", out, err)
			}
		})
	}
	group.Wait()
	for _, server := range []*sshtest.Server{inner, second, middle, outer} {
		if n := strings.Count(server.Log(), "Accepted publickey"); n != 1 {
			t.Errorf("logged in %d times at port %d", n, server.Port)
		}
	}
	t.Run("a socket behind them", func(t *testing.T) {
		socket := listen(t, "unix", inner.Path("socket"), echo)
		connection, err := c.Machine(one).Dial(bounded(t), "unix", socket.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = connection.Close() }()
		if _, err := io.WriteString(connection, "hi"); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(connection, make([]byte, 2)); err != nil {
			t.Error(err)
		}
	})
	t.Run("a wrong key of one", func(t *testing.T) {
		wrong := named(behind(inner, middle, outer), inner, middle, outer)
		wrong.Bastion.Bastion.HostKey = inner.HostKey
		if doubt := doubted(t, refusal(t, c, wrong, "through its bastion")); !strings.HasSuffix(doubt.Machine, fmt.Sprint(outer.Port)) {
			t.Errorf("%+v", doubt)
		}
		wrong = named(behind(inner, middle, outer), inner, middle, outer)
		wrong.HostKey = outer.HostKey
		if doubt := doubted(t, refusal(t, c, wrong)); !strings.HasSuffix(doubt.Machine, fmt.Sprint(inner.Port)) {
			t.Errorf("%+v", doubt)
		}
	})
	t.Run("one is gone", func(t *testing.T) {
		outer.Stop()
		until(t, func() bool {
			_, err := c.Machine(one).Run(bounded(t), "true", nil)
			return errors.Is(err, secureshell.ErrUnreachable)
		})
		outer.Start()
		until(t, func() bool { _, err := c.Machine(one).Run(bounded(t), "true", nil); return err == nil })
	})
	t.Run("too many", func(t *testing.T) {
		s := inner.SSH()
		for range 5 {
			through := s
			s = inner.SSH()
			s.Bastion = &through
		}
		refused(t, c, s, "behind 5 bastions")
	})
	t.Run("forwarding is forbidden", func(t *testing.T) {
		closed := sshtest.Start(t, "AllowTcpForwarding no")
		s := named(behind(inner, closed), inner, closed)
		refused(t, connections(t, credentials, secureshell.Options{}), s, "through its bastion", "AllowTcpForwarding")
	})
}

func TestConnectionThatIsCutOff(t *testing.T) {
	server := sshtest.Start(t)
	m := machine(t, server)
	listener := listen(t, "tcp", "127.0.0.1:0", echo)
	connection, err := m.Dial(bounded(t), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close() }()
	begun := server.Path("begun")
	ended := make(chan error, 2)
	go func() {
		_, err := m.Run(bounded(t), "echo x >>"+begun+"; "+lingers(server), nil)
		ended <- err
	}()
	go func() {
		_, err := connection.Read(make([]byte, 1))
		ended <- err
	}()
	until(t, func() bool { _, err := os.Stat(begun); return err == nil })
	server.Disconnect()
	for range 2 {
		err := <-ended
		var exit *secureshell.ExitError
		if !errors.Is(err, secureshell.ErrUnreachable) || errors.As(err, &exit) {
			t.Errorf("%v is no ErrUnreachable", err)
		}
	}
	if _, err := connection.Write([]byte("x")); !errors.Is(err, secureshell.ErrUnreachable) {
		t.Errorf("%v", err)
	}
	// The very next call finds a connection, and what was cut off is not run again.
	if got := says(t, m, "cat "+begun, nil); got != "x\n" {
		t.Errorf("%q", got)
	}
	server.Disconnect()
	again, err := m.Dial(bounded(t), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_ = again.Close()
}

func TestServerThatComesBack(t *testing.T) {
	server := sshtest.Start(t)
	c := connections(t, server.Credentials(), secureshell.Options{})
	m := c.Machine(server.SSH())
	says(t, m, "true", nil)
	for range 3 {
		server.Stop()
		refused(t, c, server.SSH())
		server.Start()
		until(t, func() bool { _, err := m.Run(bounded(t), "true", nil); return err == nil })
	}
}

// A machine that stands still ends what runs there, and nothing elsewhere.
func TestMachineThatStandsStill(t *testing.T) {
	still, other := sshtest.Start(t), sshtest.Start(t)
	c := connections(t, still.Credentials(), secureshell.Options{KeepAlive: 100 * time.Millisecond, Silence: time.Second})
	s := still.SSH()
	m, n := c.Machine(s), machine(t, other)
	listener := listen(t, "tcp", "127.0.0.1:0", func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	connection, err := m.Dial(bounded(t), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close() }()
	begun := still.Path("begun")
	calls := []func() error{
		func() error { _, err := m.Run(bounded(t), "touch "+begun+"; "+lingers(still), nil); return err },
		func() error { _, err := m.Run(bounded(t), "cat >/dev/null", zeros{}); return err },
		func() error { _, err := connection.Read(make([]byte, 1)); return err },
		func() error {
			var err error
			for err == nil {
				_, err = connection.Write(make([]byte, 1<<20))
			}
			return err
		},
	}
	ended := make(chan error, len(calls))
	for _, call := range calls {
		go func() { ended <- call() }()
	}
	until(t, func() bool { _, err := os.Stat(begun); return err == nil })
	still.Suspend()
	defer still.Resume()
	for range 5 {
		says(t, n, "true", nil)
	}
	for range calls {
		if err := <-ended; !errors.Is(err, secureshell.ErrUnreachable) || !strings.Contains(err.Error(), "nothing came from it for") {
			t.Errorf("%v", err)
		}
	}
	hurried := s
	hurried.ConnectTimeout = service.Duration(2 * time.Second)
	refused(t, c, hurried, "no answer within 2s (connect_timeout)")
	says(t, n, "true", nil)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := c.Machine(s).Run(ctx, "true", nil); !errors.Is(err, secureshell.ErrUnreachable) {
		t.Errorf("%v", err)
	}
	still.Resume()
	until(t, func() bool { _, err := m.Run(bounded(t), "true", nil); return err == nil })
}

// Data that is long under way is no silence: a link that is slow in one direction goes on.
func TestSlowLinkIsNotSilent(t *testing.T) {
	server := sshtest.Start(t)
	c := connections(t, server.Credentials(), secureshell.Options{KeepAlive: 50 * time.Millisecond, Silence: 2 * time.Second})
	script := "i=0; while [ $i -lt 12 ]; do head -c 400000 >/dev/null; sleep 0.3; i=$((i+1)); done; cat >/dev/null"
	if _, err := c.Machine(server.SSH()).Run(bounded(t), script, io.LimitReader(zeros{}, 24<<20)); err != nil {
		t.Error(err)
	}
}

// counting is a listener that counts who comes, and answers nobody.
func counting(t *testing.T) (port int, count func() int) {
	t.Helper()
	var mu sync.Mutex
	came := 0
	listener := listen(t, "tcp", "127.0.0.1:0", func(net.Conn) {
		mu.Lock()
		defer mu.Unlock()
		came++
	})
	address, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		t.Fatal("no address of TCP")
	}
	return address.Port, func() int {
		mu.Lock()
		defer mu.Unlock()
		return came
	}
}

func TestMachineThatFailsIsNotDialledByEachCaller(t *testing.T) {
	server := sshtest.Start(t)
	s := server.SSH()
	port, count := counting(t)
	s.Port = port
	c := connections(t, server.Credentials(), secureshell.Options{})
	begin := time.Now()
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			if _, err := c.Machine(s).Run(bounded(t), "true", nil); !errors.Is(err, secureshell.ErrUnreachable) {
				t.Errorf("%v", err)
			}
		})
	}
	group.Wait()
	// A failure is shared for a second, so that many are dialled as seconds have passed, and one that began before.
	if got, most := count(), 2+int(time.Since(begin)/time.Second); got > most {
		t.Errorf("dialled %d times, at most %d", got, most)
	}
	s.Port, count = counting(t)
	begin = time.Now()
	for range 50 {
		refused(t, c, s)
	}
	if got, most := count(), 2+int(time.Since(begin)/time.Second); got > most {
		t.Errorf("one after the other: dialled %d times, at most %d", got, most)
	}
	before := count()
	until(t, func() bool { _, _ = c.Machine(s).Run(bounded(t), "true", nil); return count() > before })
}

func TestCallerWhoLeavesDoesNotEndTheDial(t *testing.T) {
	server := sshtest.Start(t)
	m := machine(t, server)
	server.Suspend()
	defer server.Resume()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	patient := make(chan error, 1)
	go func() {
		_, err := m.Run(bounded(t), "true", nil)
		patient <- err
	}()
	if _, err := m.Run(ctx, "true", nil); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, secureshell.ErrUnreachable) {
		t.Errorf("%v", err)
	}
	cancelled, stop := context.WithCancel(t.Context())
	stop()
	if _, err := m.Run(cancelled, "true", nil); !errors.Is(err, context.Canceled) || errors.Is(err, secureshell.ErrUnreachable) {
		t.Errorf("%v", err)
	}
	server.Resume()
	if err := <-patient; err != nil {
		t.Error(err)
	}
	if n := strings.Count(server.Log(), "Accepted publickey"); n != 1 {
		t.Errorf("logged in %d times", n)
	}
}

func TestCloseEndsAll(t *testing.T) {
	server, bastion := sshtest.Start(t), sshtest.Start(t)
	listener := listen(t, "tcp", "127.0.0.1:0", echo)
	before := runtime.NumGoroutine()
	s := server.SSH()
	through := bastion.SSH()
	through.PrivateKey = "bastion"
	s.Bastion = &through
	c := secureshell.New(sshtest.Credentials{sshtest.KeyName: server.Key, "bastion": bastion.Key},
		secureshell.Options{KeepAlive: time.Hour, Silence: time.Hour})
	m := c.Machine(s)
	begun := server.Path("begun")
	ended := make(chan error, 4)
	run := func(script string) {
		_, err := m.Run(context.Background(), script, nil)
		ended <- err
	}
	go run("touch " + begun + "; " + lingers(server))
	go run(lingers(server))
	connection, err := m.Dial(bounded(t), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		_, err := connection.Read(make([]byte, 1))
		ended <- err
	}()
	abandoned, cancel := context.WithCancel(t.Context())
	go func() {
		_, err := m.Run(abandoned, lingers(server), nil)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		ended <- secureshell.ErrUnreachable
	}()
	until(t, func() bool { _, err := os.Stat(begun); return err == nil })
	cancel()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	for range 4 {
		if err := <-ended; !errors.Is(err, secureshell.ErrUnreachable) {
			t.Errorf("%v", err)
		}
	}
	if _, err := m.Run(bounded(t), "true", nil); !errors.Is(err, secureshell.ErrUnreachable) || !strings.Contains(err.Error(), "closed") {
		t.Errorf("%v", err)
	}
	_ = connection.Close()
	until(t, func() bool { return runtime.NumGoroutine() <= before })
	if t.Failed() {
		stacks := make([]byte, 1<<20)
		t.Logf("%s", stacks[:runtime.Stack(stacks, true)])
	}
}
