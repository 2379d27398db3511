// Package postgrestest runs a PostgreSQL server for tests: the real one, on a Unix socket in a directory of its own.
package postgrestest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// startDeadline bounds initdb, and again the wait for the server.
	startDeadline = 2 * time.Minute
	// stopDeadline bounds a fast shutdown, before the server is killed.
	stopDeadline = 30 * time.Second
	// Superuser may connect without a password.
	Superuser = "deploy_super"
	// port names the socket alone: nothing listens on the network.
	port = "5432"
)

// Server is a running server. Superuser connects without a password, every other role with one (SCRAM).
type Server struct {
	// Socket is the directory of its Unix socket.
	Socket string
}

// URL of a database for a role, without a password.
func (s *Server) URL(role, database string) string {
	return "postgres://" + url.PathEscape(role) + "@/" + url.PathEscape(database) + "?host=" + url.QueryEscape(s.Socket) + "&port=" + port
}

// Exec runs SQL as the superuser in database postgres.
func (s *Server) Exec(t testing.TB, sql string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startDeadline)
	defer cancel()
	if err := s.exec(ctx, sql); err != nil {
		t.Fatal(err)
	}
}

func (s *Server) exec(ctx context.Context, sql string) error {
	connection, err := pgx.Connect(ctx, s.URL(Superuser, "postgres"))
	if err != nil {
		return fmt.Errorf("connect to the test's PostgreSQL: %w", err)
	}
	defer func() { _ = connection.Close(ctx) }()
	if _, err := connection.Exec(ctx, sql); err != nil {
		return fmt.Errorf("run %q: %w", sql, err)
	}
	return nil
}

// Start makes a server that ends, and whose files go, with the test. Where PostgreSQL is missing it fails the test when
// CI is true, and skips it otherwise.
func Start(t testing.TB) *Server {
	t.Helper()
	programs, err := find()
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	credential, err := unprivileged()
	if err != nil {
		t.Fatal(err)
	}
	// Not t.TempDir: its parents are closed to other users, and its name may be too long for a socket.
	directory, err := os.MkdirTemp("", "postgres")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(directory); err != nil {
			t.Errorf("remove the test's PostgreSQL: %v", err)
		}
	})
	if credential != nil {
		if err := os.Chown(directory, int(credential.Uid), int(credential.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	data := filepath.Join(directory, "data")
	ctx, cancel := context.WithTimeout(context.Background(), startDeadline)
	defer cancel()
	// Who may connect how is written below.
	initdb := command(ctx, credential, directory, programs.initdb, "--pgdata", data, "--username", Superuser,
		"--auth", "reject", "--encoding", "UTF8", "--no-locale", "--no-sync")
	if output, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, output)
	}
	access := "local all " + Superuser + " trust\nlocal all all scram-sha-256\n"
	if err := os.WriteFile(filepath.Join(data, "pg_hba.conf"), []byte(access), 0o644); err != nil { //nolint:gosec // the server reads it as another user
		t.Fatal(err)
	}
	server := &Server{Socket: directory}
	log := &bytes.Buffer{}
	run(t, log, command(context.Background(), credential, directory, programs.postgres, "-D", data, "-F", "-p", port,
		"-c", "listen_addresses=", "-c", "unix_socket_directories="+directory, "-c", "password_encryption=scram-sha-256"),
		server.ready)
	return server
}

// ready polls until the server takes queries.
func (s *Server) ready(ended <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(context.Background(), startDeadline)
	defer cancel()
	for {
		err := s.exec(ctx, "select 1")
		if err == nil {
			return nil
		}
		select {
		case <-ended:
			return errors.New("PostgreSQL ended while it started")
		case <-ctx.Done():
			return fmt.Errorf("PostgreSQL does not become ready: %w", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// run starts the server and has it end with the test.
func run(t testing.TB, log *bytes.Buffer, cmd *exec.Cmd, ready func(ended <-chan struct{}) error) {
	t.Helper()
	cmd.Stdout, cmd.Stderr = log, log
	started, ended := make(chan error), make(chan struct{})
	go func() {
		// The kernel ends the server when the thread that started it does: one that is killed with its test, by a
		// time limit for instance, leaves nothing behind. So this thread must live as long as the server.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			// How it ended does not matter: the tests ask it questions.
			_ = cmd.Wait()
		}
		close(ended)
	}()
	if err := <-started; err != nil {
		t.Fatalf("start PostgreSQL: %v", err)
	}
	t.Cleanup(func() {
		// A fast shutdown; both signals fail only where it has ended.
		_ = cmd.Process.Signal(syscall.SIGINT)
		select {
		case <-ended:
		case <-time.After(stopDeadline):
			_ = cmd.Process.Signal(syscall.SIGQUIT)
			<-ended
		}
	})
	if err := ready(ended); err != nil {
		_ = cmd.Process.Signal(syscall.SIGQUIT)
		<-ended
		t.Fatalf("%v\n%s", err, log)
	}
}

// command runs as credential, nil for ourselves, without this process's PG variables.
func command(ctx context.Context, credential *syscall.Credential, directory, program string, arguments ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, arguments...) //nolint:gosec // programs of PostgreSQL
	cmd.Dir = directory
	cmd.Env = slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "PG") })
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: credential, Setpgid: true}
	endWithParent(cmd.SysProcAttr)
	return cmd
}
