package delivery_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
)

// channel takes messages as take says, and keeps what it took.
type channel struct {
	take func(ctx context.Context, m service.Message) error
	mu   sync.Mutex
	took []string
}

func (c *channel) Send(ctx context.Context, m service.Message) error {
	if err := c.take(ctx, m); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.took = append(c.took, m.Event)
	return nil
}

func (c *channel) events() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.took)
}

// channelled is a connector with channels.
type channelled struct {
	*connector
	channels map[string]delivery.Notifier
}

func (c channelled) Adapters(d service.Definition) (delivery.Adapters, error) {
	a, err := c.connector.Adapters(d)
	a.Notifiers = c.channels
	return a, err
}

// telling is a provider whose service has the channels.
func telling(t *testing.T, w *world, objects store.Store, channels map[string]delivery.Notifier) *provider {
	t.Helper()
	p := newProvider(t, w, objects)
	terms := ledger.Terms{Length: leaseLength, Wait: time.Minute, Poll: 20 * time.Millisecond}
	p.run = delivery.NewRun(objects, channelled{&connector{world: w, process: p.process}, channels}, ledger.ThisProcess("terraform"), terms)
	if p.state().Definition == nil {
		definition := service.Definition{ID: web, Notify: map[string]service.Notification{}}
		for name := range channels {
			definition.Notify[name] = service.Notification{URL: name}
		}
		if _, err := p.service().Define(t.Context(), delivery.DefineRequest{Definition: definition, Owner: "owner", Create: true}); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// tomorrow is a store a day on.
type tomorrow struct{ store.Store }

func (l tomorrow) Get(ctx context.Context, key string) (store.Object, error) {
	o, err := l.Store.Get(ctx, key)
	o.Now = o.Now.Add(25 * time.Hour)
	return o, err
}

func eventually(t *testing.T, what string, check func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !check(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not in time: " + what)
		}
	}
}

func takes(context.Context, service.Message) error { return nil }

// A receiver that takes longer than anybody waits for is told once, and that is noted; it keeps no other one back.
func TestASlowChannelIsToldOnce(t *testing.T) {
	t.Parallel()
	let := make(chan struct{})
	slow := &channel{take: func(ctx context.Context, _ service.Message) error {
		if deadline, ends := ctx.Deadline(); !ends || time.Until(deadline) < 30*time.Second {
			return errors.New("it takes longer than that")
		}
		<-let
		return nil
	}}
	quick := &channel{take: takes}
	p := telling(t, newWorld(), newMemoryStore(), map[string]delivery.Notifier{"slow": slow, "quick": quick})
	if err := p.apply(t.Context(), "1"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the quick one is told all", func() bool { return slices.Equal(quick.events(), []string{"started", "succeeded"}) })
	if got := slow.events(); len(got) != 0 {
		t.Errorf("the slow one took %v", got)
	}
	close(let)
	eventually(t, "nothing is due", func() bool { return len(p.state().Due) == 0 })
	p.close()
	if got := slow.events(); !slices.Equal(got, []string{"started", "succeeded"}) {
		t.Errorf("the slow one took %v", got)
	}
}

func TestAMessageThatIsNotTakenKeepsNoOtherBack(t *testing.T) {
	t.Parallel()
	picky := &channel{take: func(_ context.Context, m service.Message) error {
		if m.Event == "started" {
			return errors.New("not that one")
		}
		return nil
	}}
	p := telling(t, newWorld(), newMemoryStore(), map[string]delivery.Notifier{"picky": picky})
	if err := p.apply(t.Context(), "1"); err != nil {
		t.Fatal(err)
	}
	p.close()
	if got := picky.events(); !slices.Equal(got, []string{"succeeded"}) {
		t.Errorf("it took %v", got)
	}
	if due := p.state().Due; len(due) != 1 || due[0].Message.Event != "started" {
		t.Errorf("due is %+v", due)
	}
}

func TestAMessageThatIsNoNewsAnyMoreIsGivenUp(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	deaf := &channel{take: func(context.Context, service.Message) error { return errors.New("nobody there") }}
	p := telling(t, w, objects, map[string]delivery.Notifier{"deaf": deaf})
	if err := p.apply(t.Context(), "1"); err != nil {
		t.Fatal(err)
	}
	p.close()
	if due := p.state().Due; len(due) != 2 {
		t.Fatalf("due is %+v", due)
	}
	// The same, a day later: by the store's clock, which is what counts.
	p = telling(t, w, tomorrow{objects}, map[string]delivery.Notifier{"deaf": deaf})
	if err := p.apply(t.Context(), "2"); err != nil {
		t.Fatal(err)
	}
	p.close()
	if due := p.state().Due; len(due) != 2 || due[0].Message.Attempt != 2 || due[1].Message.Attempt != 2 {
		t.Errorf("due is %+v", due)
	}
	events, err := p.service().Ledger().Events(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	noted := 0
	for _, e := range events {
		if e.Type == ledger.Notified && strings.Contains(e.Text, "deaf could not be told") && strings.Contains(e.Text, "nobody there") {
			noted++
		}
	}
	if noted != 2 {
		t.Errorf("%d messages are noted as given up", noted)
	}
}
