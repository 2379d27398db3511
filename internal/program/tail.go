package program

import (
	"sync"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/scrub"
)

// outputLimit bounds the output that is kept, in bytes: the last of it.
const outputLimit = 64 << 10

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	data []byte
	cut  bool
}

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.data = append(t.data, p...)
	// Twice the limit, so that not every write moves the rest.
	if len(t.data) > 2*outputLimit {
		t.data = append(t.data[:0], t.data[len(t.data)-outputLimit:]...)
		t.cut = true
	}
	return len(p), nil
}

// String begins with scrub.CutMark where something was cut.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cut {
		return scrub.CutMark + string(t.data)
	}
	return string(t.data)
}
