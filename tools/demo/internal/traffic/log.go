package traffic

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
)

// Log keeps records in the order in which they ended, in memory and as lines of JSON in a file. It is safe for
// concurrent use.
type Log struct {
	mu      sync.Mutex
	records []Record
	file    *os.File
	lines   *bufio.Writer
	failed  error
}

// NewLog makes a log that also writes to path.
func NewLog(path string) (*Log, error) {
	file, err := os.Create(path) //nolint:gosec // the demo's own file
	if err != nil {
		return nil, fmt.Errorf("make the client's log: %w", err)
	}
	return &Log{file: file, lines: bufio.NewWriter(file)}, nil
}

// Keep adds a record.
func (l *Log) Keep(r Record) {
	line, err := json.Marshal(r)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records = append(l.records, r)
	if err == nil {
		_, err = l.lines.Write(append(line, '\n'))
	}
	l.failed = errors.Join(l.failed, err)
}

// Mark is the number of records kept so far. Two marks bound a window, and each record lies in exactly one of the
// windows that follow each other.
func (l *Log) Mark() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.records)
}

// Between returns the records of the window from one mark to a later one.
func (l *Log) Between(from, to int) []Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Record(nil), l.records[from:to]...)
}

// Close writes what is left to the file.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := errors.Join(l.failed, l.lines.Flush(), l.file.Close()); err != nil {
		return fmt.Errorf("write the client's log: %w", err)
	}
	return nil
}
