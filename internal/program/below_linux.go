package program

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// watcherMargin is how long a watcher may take for what it does itself.
const watcherMargin = 5 * time.Second

// pipes to a watcher; orders stays open as long as we want the program to run, and closes with us.
type pipes struct {
	ordersReader, orders  *os.File
	reports, reportWriter *os.File
	output, outputWriter  *os.File
}

func openPipes() (p pipes, err error) {
	for _, ends := range [][2]**os.File{{&p.ordersReader, &p.orders}, {&p.reports, &p.reportWriter}, {&p.output, &p.outputWriter}} {
		if *ends[0], *ends[1], err = os.Pipe(); err != nil {
			p.close()
			return p, fmt.Errorf("make a pipe to a program: %w", err)
		}
	}
	return p, nil
}

// close closes all; those that are closed already, or were never opened, stay so.
func (p pipes) close() {
	for _, f := range []*os.File{p.ordersReader, p.orders, p.reports, p.reportWriter, p.output, p.outputWriter} {
		_ = f.Close()
	}
}

// below runs it below a watcher: this binary, started again.
func (p Program) below(ctx context.Context, environment []string, output io.Writer) (Ended, error) {
	link, err := openPipes()
	if err != nil {
		return Ended{}, err
	}
	defer link.close()
	// What runs now, also where the file has been replaced meanwhile. Not bound to ctx: it has something to do then.
	watcher := exec.CommandContext(context.WithoutCancel(ctx), "/proc/self/exe", WatchArgument)
	watcher.Args[0] = os.Args[0]
	watcher.Env = passedOn() // It looks for the program, and needs no more.
	watcher.Stdout, watcher.Stderr = link.outputWriter, link.outputWriter
	watcher.ExtraFiles = []*os.File{link.ordersReader, link.reportWriter} // In the order of the descriptors in watcher_linux.go.
	watcher.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := watcher.Start(); err != nil {
		return Ended{}, fmt.Errorf("start the watcher of %s: %w", p.Argv[0], err)
	}
	// The other ends are the watcher's and the program's alone: when they end, the pipes say so.
	for _, theirs := range []*os.File{link.ordersReader, link.reportWriter, link.outputWriter} {
		_ = theirs.Close()
	}
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		_, _ = io.Copy(output, link.output)
	}()
	said, err := p.instruct(ctx, link, environment)
	if err == nil && said.Error == "" {
		// What it left running may write until it is ended; that it holds the pipe is no reason to wait for ever.
		await(ctx, copied, KillGrace)
	}
	_ = link.orders.Close()
	waited := make(chan struct{})
	go func() {
		defer close(waited)
		_ = watcher.Wait() // What counts it has said itself.
	}()
	select {
	case <-waited:
	case <-time.After(KillGrace + watcherMargin):
		_ = watcher.Process.Kill() // The program's first process goes with it.
		<-waited
	}
	_ = link.output.SetReadDeadline(time.Now().Add(KillGrace)) // Somebody who left the session may have it.
	<-copied
	switch {
	case err != nil:
		return Ended{}, fmt.Errorf("run %s: %w", p.Argv[0], err)
	case said.Error != "":
		return Ended{}, fmt.Errorf("start %s: %s", p.Argv[0], said.Error)
	}
	return Ended{Code: said.Code, Status: said.Status}, nil
}

// instruct tells the watcher what to run, and returns what it says at the end of that, at the latest a moment after ctx.
func (p Program) instruct(ctx context.Context, link pipes, environment []string) (said report, err error) {
	// The end of orders is the order to end the program.
	stop := context.AfterFunc(ctx, func() {
		_ = link.orders.Close()
		_ = link.reports.SetReadDeadline(time.Now().Add(KillGrace + watcherMargin))
	})
	defer stop()
	err = json.NewEncoder(link.orders).Encode(order{Argv: p.Argv, Directory: p.Directory, Environment: environment, Limit: int64(p.Timeout)})
	if err != nil {
		err = fmt.Errorf("tell its watcher: %w", err)
	}
	if failed := json.NewDecoder(link.reports).Decode(&said); failed != nil {
		err = errors.Join(err, fmt.Errorf("its watcher ended without a word, and the program with it: %w", failed))
	} else {
		err = nil // It has been told enough.
	}
	return said, err
}

// await waits for what is to come, at most for limit, and not beyond ctx.
func await(ctx context.Context, coming <-chan struct{}, limit time.Duration) {
	select {
	case <-coming:
	case <-ctx.Done():
	case <-time.After(limit):
	}
}
