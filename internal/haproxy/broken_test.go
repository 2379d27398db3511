package haproxy_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy"
)

// says dials something that reads what it is sent, says each text in turn, the last again and again, and ends the connection.
// No real HAProxy can be made to break off in the middle of an answer.
func says(t *testing.T, texts ...string) (client *haproxy.Client, asked *atomic.Int32) {
	t.Helper()
	asked = &atomic.Int32{}
	return haproxy.New("node a", func(context.Context) (net.Conn, error) {
		here, there := net.Pipe()
		text := texts[min(int(asked.Add(1)), len(texts))-1]
		go func() {
			defer func() { _ = there.Close() }()
			go func() { _, _ = io.Copy(io.Discard, there) }()
			_, _ = io.WriteString(there, text) // who asked may be gone
		}()
		return here, nil
	}, time.Minute), asked
}

func TestBrokenConnections(t *testing.T) {
	const begin = "\n> \n> "
	for name, c := range map[string]struct {
		text    string
		answers int
	}{
		"at once":             {"", 0},
		"in the preamble":     {"\n> ", 0},
		"before the answer":   {begin, 0},
		"in the answer":       {begin + "7 (initial", 0},
		"at its empty line":   {begin + "7 (initial 100)\n\n", 0},
		"in the prompt":       {begin + "7 (initial 100)\n\n>", 0},
		"between two answers": {begin + "7 (initial 100)\n\n> ", 1},
		"in the second":       {begin + "7 (initial 100)\n\n> [3]: No", 1},
	} {
		client, asked := says(t, c.text)
		answers, err := client.Command(t.Context(), "get weight web/blue", "set server web/blue weight 1")
		if !errors.Is(err, haproxy.ErrBroken) || len(answers) != c.answers || asked.Load() != 1 {
			t.Errorf("broken %s a command has %d answers (%v), and was sent %d times", name, len(answers), err, asked.Load())
		}
		unanswered := []string{"get weight", "set server"}[c.answers]
		if err == nil || !strings.Contains(err.Error(), unanswered) {
			t.Errorf("broken %s: %v, which does not name %s", name, err, unanswered)
		}
		client, asked = says(t, c.text, begin+"a\n\n> b\n\n> ")
		if answers, err := client.Query(t.Context(), "get weight web/blue", "show version"); err != nil || len(answers) != 2 || asked.Load() != 2 {
			t.Errorf("broken %s a query has %q (%v), and was sent %d times", name, answers, err, asked.Load())
		}
		client, asked = says(t, c.text)
		if _, err := client.Query(t.Context(), "get weight web/blue", "show version"); !errors.Is(err, haproxy.ErrBroken) || asked.Load() != 2 {
			t.Errorf("always broken %s a query: %v, and was sent %d times", name, err, asked.Load())
		}
	}
}

// The end is not waited for: who keeps the connection open has answered all the same.
func TestEndIsNotWaitedFor(t *testing.T) {
	here, there := net.Pipe()
	defer func() { _ = there.Close() }()
	go func() {
		go func() { _, _ = io.Copy(io.Discard, there) }()
		for _, piece := range []string{"\n", "> \n> ", "a\n\n> b", "\n\n>", " "} { // prompts are found however they arrive
			_, _ = io.WriteString(there, piece) // who asked is there until the last
		}
	}()
	client := haproxy.New("node a", func(context.Context) (net.Conn, error) { return here, nil }, time.Minute)
	if answers, err := client.Command(t.Context(), "show version", "show info"); err != nil || len(answers) != 2 || answers[0] != "a" || answers[1] != "b" {
		t.Errorf("the answers are %q (%v)", answers, err)
	}
}

// What answers is something else, and nothing that it says is taken for an answer.
func TestOtherServers(t *testing.T) {
	for text, want := range map[string]string{
		"\nmaster> \nmaster> ":             "master process",
		"HTTP/1.1 400 Bad Request\r\n\r\n": "HTTP/1.1 400 Bad Request",
		"SSH-2.0-x\n> \n> \n> \n> ":        "SSH-2.0-x",
		"\n> \n> a\n> b\n> c\n> ":          "3 answers to 2 commands",
	} {
		client, _ := says(t, text)
		answers, err := client.Command(t.Context(), "show info", "show stat")
		if err == nil || len(answers) > 0 || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "node a") {
			t.Errorf("%q: the answers are %q (%v), want an error with %q", text, answers, err, want)
		}
	}
}

func TestUnreachable(t *testing.T) {
	refused := errors.New("refused")
	client := haproxy.New("node a", func(context.Context) (net.Conn, error) { return nil, refused }, time.Minute)
	_, err := client.Command(t.Context(), "show info")
	if !errors.Is(err, haproxy.ErrUnreachable) || !errors.Is(err, refused) || errors.Is(err, haproxy.ErrBroken) {
		t.Errorf("%v", err)
	}
}
