package supervisor

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"gopkg.in/natefinch/lumberjack.v2"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

const (
	// flushTimeout bounds the wait for the last output, where a process that left the session still holds the pipe.
	flushTimeout = time.Second
	// loggerPause is the wait before a logger that died is started again.
	loggerPause = 100 * time.Millisecond
)

// output takes what the instance writes, over all its restarts, into log files that rotate. A logger, a process of its own,
// reads the pipe: so an instance whose supervisor is killed can go on writing, and would else die of its next line. The
// supervisor keeps the reader open, so that the same is true while a logger that was killed is started again.
type output struct {
	// dir has the log files.
	dir string
	// writer is the instance's stdout and stderr.
	writer *os.File
	reader *os.File
	// ended is closed when the logger has ended after close.
	ended chan struct{}

	mu      sync.Mutex
	closing bool
	logger  *os.Process
}

// openOutput begins new log files; those of the start before are kept beside them.
func openOutput(d Directory, spec Spec, program []string) (*output, error) {
	dir := d.Logs(spec.Release)
	previous := dir + ".previous"
	if _, err := os.Stat(dir); err == nil {
		if err := errors.Join(os.RemoveAll(previous), os.Rename(dir, previous)); err != nil {
			return nil, fmt.Errorf("put the earlier log away: %w", err)
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("look for an earlier log: %w", err)
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("make the log's directory: %w", err)
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe for the output: %w", err)
	}
	o := &output{dir: dir, writer: writer, reader: reader, ended: make(chan struct{})}
	program = append(program[:len(program):len(program)], stageLog, dir, strconv.Itoa(spec.Log.MaxSize), strconv.Itoa(spec.Log.MaxFiles))
	if err := o.startLogger(d, program); err != nil {
		return nil, errors.Join(err, reader.Close(), writer.Close())
	}
	go o.keepLogger(d, program)
	return o, nil
}

func (o *output) startLogger(d Directory, program []string) error {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer func() { _ = null.Close() }()
	// What runs now, also where its file is gone. A session of its own: it is no process of the instance.
	p, err := startProcess("/proc/self/exe", program, &os.ProcAttr{
		Dir: string(d), Env: []string{}, Files: []*os.File{o.reader, null, os.Stderr}, Sys: &syscall.SysProcAttr{Setsid: true},
	}, time.Now().Add(time.Second))
	if err != nil {
		return fmt.Errorf("start the logger: %w", err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.logger = p
	return nil
}

// keepLogger starts the logger again when it was killed: an instance that nobody reads from would hang.
func (o *output) keepLogger(d Directory, program []string) {
	defer close(o.ended)
	for {
		// What it had read and not yet written is gone with it.
		if state, err := o.logger.Wait(); err != nil || !state.Success() {
			incomplete(o.dir, fmt.Sprintf("what wrote the log ended before its time (%v): lines may be missing", state))
		}
		for {
			o.mu.Lock()
			closing := o.closing
			o.mu.Unlock()
			if closing {
				return
			}
			err := o.startLogger(d, program)
			if err == nil {
				break
			}
			complain(err)
			time.Sleep(loggerPause)
		}
	}
}

// close waits until what is still in the pipe is written, or notes that it may not be.
func (o *output) close() {
	o.mu.Lock()
	o.closing = true
	o.mu.Unlock()
	_ = o.writer.Close()
	select {
	case <-o.ended:
	case <-time.After(flushTimeout):
		incomplete(o.dir, fmt.Sprintf("the log was closed %s after the instance's end, while its output was not at its end: the last lines may be missing", flushTimeout))
		o.mu.Lock()
		_ = o.logger.Kill()
		o.mu.Unlock()
		<-o.ended
	}
	_ = o.reader.Close()
}

// logStdin writes what it reads into log files until nobody is left who writes. arguments are the directory, the size of a
// file in MiB and the number of older ones.
func logStdin(arguments []string) error {
	if len(arguments) != 3 {
		return errors.New("this is started by a supervisor itself, to write a log")
	}
	size, err := strconv.Atoi(arguments[1])
	files, filesErr := strconv.Atoi(arguments[2])
	if err := errors.Join(err, filesErr); err != nil {
		return fmt.Errorf("read the log's bounds: %w", err)
	}
	return pump(os.Stdin, arguments[0], service.HostLog{MaxSize: size, MaxFiles: files})
}

// pump never stops reading, also where the disk is full.
func pump(from io.Reader, dir string, bounds service.HostLog) error {
	log := &lumberjack.Logger{Filename: filepath.Join(dir, LogFile), MaxSize: bounds.MaxSize, MaxBackups: bounds.MaxFiles}
	rotated := newRotation(dir, bounds)
	buffer := make([]byte, 64<<10)
	failing := false
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			_, failed := log.Write(buffer[:n])
			if failed != nil && !failing {
				complain(fmt.Errorf("output is lost: %w", failed))
				incomplete(dir, "output was lost: "+failed.Error())
			}
			failing = failed != nil
			rotated.look()
		}
		if errors.Is(err, io.EOF) {
			return log.Close()
		} else if err != nil {
			return errors.Join(fmt.Errorf("read the instance's output: %w", err), log.Close())
		}
	}
}
