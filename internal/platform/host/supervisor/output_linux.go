package supervisor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"gopkg.in/natefinch/lumberjack.v2"
)

// flushTimeout bounds the wait for the last output, where a process that left the group still holds the pipe.
const flushTimeout = time.Second

// output takes what the instance writes, over all its restarts, into log files that rotate.
type output struct {
	// writer is the instance's stdout and stderr.
	writer *os.File
	reader *os.File
	log    *lumberjack.Logger
	done   chan struct{}
}

// openOutput begins new log files; those of the start before are kept beside them.
func openOutput(d Directory, spec Spec) (*output, error) {
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
	o := &output{writer: writer, reader: reader, done: make(chan struct{}), log: &lumberjack.Logger{
		Filename: filepath.Join(dir, LogFile), MaxSize: spec.Log.MaxSize, MaxBackups: spec.Log.MaxFiles,
	}}
	go o.pump()
	return o, nil
}

// pump never stops reading, also where the disk is full: an instance that nobody reads from would hang.
func (o *output) pump() {
	defer close(o.done)
	buffer := make([]byte, 64<<10)
	failing := false
	for {
		n, err := o.reader.Read(buffer)
		if n > 0 {
			_, failed := o.log.Write(buffer[:n])
			if failed != nil && !failing {
				complain(fmt.Errorf("output is lost: %w", failed))
			}
			failing = failed != nil
		}
		if err != nil {
			return
		}
	}
}

// close writes what is still in the pipe.
func (o *output) close() {
	_ = o.writer.Close()
	_ = o.reader.SetReadDeadline(time.Now().Add(flushTimeout))
	<-o.done
	_ = o.log.Close()
}
