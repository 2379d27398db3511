package secureshell

import (
	"io"
	"time"
)

const (
	// readChunk is how much of a script's input is read at a time.
	readChunk = 512 << 10
	// inputGrace is how long a script that has ended waits for a read of its input that is still under way.
	inputGrace = time.Second
)

// input is a caller's reader that is not touched any more once it was let go.
type input struct {
	reader io.Reader
	// turn holds an element while somebody reads, and for ever once it was let go.
	turn chan struct{}
}

func newInput(reader io.Reader) *input {
	return &input{reader: reader, turn: make(chan struct{}, 1)}
}

func (i *input) Read(p []byte) (int, error) {
	select {
	case i.turn <- struct{}{}:
	default: // one reader alone, so it was let go
		return 0, io.ErrClosedPipe
	}
	defer func() { <-i.turn }()
	return i.reader.Read(p)
}

// letGo waits for the read that is under way, but not longer than a second: some readers wait for what never comes.
func (i *input) letGo() {
	timer := time.NewTimer(inputGrace)
	defer timer.Stop()
	select {
	case i.turn <- struct{}{}:
	case <-timer.C:
	}
}

// feed writes the script and then what input holds into to, and closes it. A reading error is returned; that nobody takes what is written is
// none: a script need not read its input.
func feed(to io.WriteCloser, line []byte, from *input) error {
	defer func() { _ = to.Close() }()
	if _, err := to.Write(line); err != nil || from == nil {
		return nil //nolint:nilerr // how the script ended says more
	}
	buffer := make([]byte, readChunk)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			if _, writeErr := to.Write(buffer[:n]); writeErr != nil {
				return nil //nolint:nilerr // see above
			}
		}
		if err == io.EOF { //nolint:errorlint // as readers must return it
			return nil
		}
		if err != nil {
			return err
		}
	}
}
