package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
)

// Progress is what the owner of a lease does right now, for people who watch.
type Progress struct {
	Attempt int    `json:"attempt,omitempty"`
	Stage   string `json:"stage,omitempty"`
	// Text in a sentence: the step, the weight, the evidence so far.
	Text string `json:"text,omitempty"`
	// Weight of the candidate now, in whole percent; the present step lasts from Since Until; zero where there is none.
	Weight int       `json:"weight,omitempty"`
	Since  time.Time `json:"since,omitzero"`
	Until  time.Time `json:"until,omitzero"`
	// Evidence so far: a line a judgement, with its numbers.
	Evidence []string `json:"evidence,omitempty"`
}

// heartbeat is the object that the owner of a lease keeps fresh.
type heartbeat struct {
	Epoch    int       `json:"epoch"`
	Run      string    `json:"run"`
	Beat     int       `json:"beat"`
	Progress *Progress `json:"progress,omitempty"`

	age time.Duration
	now time.Time
}

// readHeartbeat reads the heartbeat; none is one of no epoch.
func (l *Ledger) readHeartbeat(ctx context.Context) (heartbeat, error) {
	object, err := l.store.Get(ctx, l.heartbeatKey())
	if errors.Is(err, store.ErrNotFound) {
		return heartbeat{}, nil
	}
	if err != nil {
		return heartbeat{}, fmt.Errorf("read the heartbeat of %s: %w", l.id, err)
	}
	var beat heartbeat
	// One that cannot be read says nothing, like none: whoever holds the lease writes it anew.
	if json.Unmarshal(object.Data, &beat) != nil {
		beat = heartbeat{}
	}
	beat.age, beat.now = object.Age, object.Now
	return beat, nil
}

func (l *Ledger) writeHeartbeat(ctx context.Context, beat heartbeat) error {
	data, err := json.Marshal(beat)
	if err != nil {
		return fmt.Errorf("encode the heartbeat of %s: %w", l.id, err)
	}
	if err := l.store.Put(ctx, l.heartbeatKey(), data); err != nil {
		return fmt.Errorf("write the heartbeat of %s: %w", l.id, err)
	}
	return nil
}
