package notify

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/component"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

type credentials map[string]string

func (c credentials) Lookup(name string) (string, error) {
	if value, found := c[name]; found {
		return value, nil
	}
	return "", errors.New("not given: set DEPLOY_CREDENTIAL_" + strings.ToUpper(name))
}

var message = service.Message{
	ID: "production/web#7/started", Service: "production/web", Event: "started", Release: "production/web/1.8.2-5c1f9e0b",
	Replaces: "production/web/1.8.1-0a0a0a0a", Attempt: 7, Text: "1.8.2 takes over from 1.8.1", Time: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC),
}

// receiver is a real server that gives one answer after the other, then the last again, and keeps what it got.
type receiver struct {
	*httptest.Server
	mu      sync.Mutex
	answers []http.HandlerFunc
	got     []*http.Request
	bodies  [][]byte
}

func receive(t *testing.T, answers ...http.HandlerFunc) *receiver {
	t.Helper()
	r := &receiver{answers: answers}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, _ := io.ReadAll(request.Body)
		r.mu.Lock()
		r.got, r.bodies = append(r.got, request), append(r.bodies, body)
		answer := r.answers[min(len(r.got), len(r.answers))-1]
		r.mu.Unlock()
		answer(w, request)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.got)
}

func status(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

// quick is a webhook that does not wait long between tries.
func quick(t *testing.T, n service.Notification, c credentials) *Webhook {
	t.Helper()
	made, err := New("team", n, c)
	if err != nil {
		t.Fatal(err)
	}
	w, ok := made.(*Webhook)
	if !ok {
		t.Fatalf("New made a %T", made)
	}
	w.pace = pace{tries: 3, timeout: 30 * time.Second, firstWait: time.Millisecond, longestWait: 2 * time.Millisecond}
	return w
}

func TestSendPostsTheMessage(t *testing.T) {
	r := receive(t, status(204, ""))
	// With the line break that files of secrets end with.
	for _, w := range []*Webhook{
		quick(t, service.Notification{URL: r.URL + "/hook?x=1"}, nil),
		quick(t, service.Notification{URL: "team_chat"}, credentials{"team_chat": r.URL + "/hook?x=1\n"}),
	} {
		if err := w.Send(t.Context(), message); err != nil {
			t.Fatal(err)
		}
	}
	if r.count() != 2 {
		t.Fatalf("%d requests", r.count())
	}
	for i, request := range r.got {
		if request.Method != http.MethodPost || request.RequestURI != "/hook?x=1" {
			t.Errorf("%s %s", request.Method, request.RequestURI)
		}
		if key := request.Header.Get("Idempotency-Key"); key != message.ID {
			t.Errorf("Idempotency-Key %q", key)
		}
		if kind := request.Header.Get("Content-Type"); kind != "application/json" {
			t.Errorf("Content-Type %q", kind)
		}
		var got service.Message
		if err := json.Unmarshal(r.bodies[i], &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(message, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestSendTriesAgainWhereThatHelps(t *testing.T) {
	abort := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	for name, c := range map[string]struct {
		answers []http.HandlerFunc
		// tries that it takes; fails and permanent say how it ends.
		tries            int
		fails, permanent bool
	}{
		"200":           {[]http.HandlerFunc{status(200, "")}, 1, false, false},
		"299":           {[]http.HandlerFunc{status(299, "")}, 1, false, false},
		"500, 200":      {[]http.HandlerFunc{status(500, ""), status(200, "")}, 2, false, false},
		"cut, 503, 201": {[]http.HandlerFunc{abort, status(503, ""), status(201, "")}, 3, false, false},
		"500":           {[]http.HandlerFunc{status(500, "")}, 3, true, false},
		"cut":           {[]http.HandlerFunc{abort}, 3, true, false},
		"408":           {[]http.HandlerFunc{status(408, ""), status(200, "")}, 2, false, false},
		"425":           {[]http.HandlerFunc{status(425, ""), status(200, "")}, 2, false, false},
		"429":           {[]http.HandlerFunc{status(429, ""), status(200, "")}, 2, false, false},
		"429 all along": {[]http.HandlerFunc{status(429, "")}, 3, true, false},
		"400":           {[]http.HandlerFunc{status(400, ""), status(200, "")}, 1, true, true},
		"404":           {[]http.HandlerFunc{status(404, ""), status(200, "")}, 1, true, true},
		"500, 410":      {[]http.HandlerFunc{status(500, ""), status(410, ""), status(200, "")}, 2, true, true},
		"a redirect":    {[]http.HandlerFunc{http.RedirectHandler("/elsewhere", http.StatusFound).ServeHTTP, status(200, "")}, 1, true, true},
		"a long 429, 200": {[]http.HandlerFunc{func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "3600")
			status(429, "")(w, r)
		}, status(200, "")}, 2, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := receive(t, c.answers...)
			err := quick(t, service.Notification{URL: r.URL}, nil).Send(t.Context(), message)
			if (err != nil) != c.fails {
				t.Errorf("error %v", err)
			}
			var permanent *PermanentError
			if errors.As(err, &permanent) != c.permanent {
				t.Errorf("permanent is %v: %v", permanent != nil, err)
			}
			var asked interface{ Permanent() bool }
			if c.permanent && (!errors.As(err, &asked) || !asked.Permanent()) {
				t.Error("does not say so to who does not know the type")
			}
			if r.count() != c.tries {
				t.Errorf("%d tries, wanted %d", r.count(), c.tries)
			}
		})
	}
}

func TestSendNeverShowsAURLOfACredential(t *testing.T) {
	closed := component.Refusing(t)
	repeat := func(before int) *receiver {
		return receive(t, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, strings.Repeat("x", before)+" no hook at http://"+r.Host+r.RequestURI)
		})
	}
	// The second with its path across the place where an answer is cut.
	echo, cut := repeat(0), repeat(136)
	const path = "/services/T0000/B0000/XXXXsecretXXXX?token=hushhush"
	for name, address := range map[string]string{
		"refused":      "http://" + closed + path,
		"no such host": "https://hooks.secret-host.invalid" + path,
		"not found":    echo.URL + path,
		"and cut":      cut.URL + path,
		"with a user":  "http://someuser:hushhush@" + closed + path,
		"not a URL":    "hooks.secret-host.invalid" + path,
		"not parsed":   "https://secret-host.invalid/%zz" + path,
	} {
		t.Run(name, func(t *testing.T) {
			w := quick(t, service.Notification{URL: "team_chat"}, credentials{"team_chat": address})
			err := w.Send(t.Context(), message)
			if err == nil {
				t.Fatal("no error")
			}
			for ; err != nil; err = errors.Unwrap(err) {
				text := err.Error()
				for _, part := range []string{address, closed, "secret", "hushhush", "someuser", "T0000", "B0000", "XXXX", "services", echo.Listener.Addr().String(), cut.Listener.Addr().String()} {
					if strings.Contains(text, part) {
						t.Errorf("shows %q: %s", part, text)
					}
				}
			}
		})
	}
	// A credential that is not there is named.
	err := quick(t, service.Notification{URL: "team_chat"}, credentials{}).Send(t.Context(), message)
	if err == nil || !strings.Contains(err.Error(), `"team_chat"`) || !strings.Contains(err.Error(), "DEPLOY_CREDENTIAL_TEAM_CHAT") {
		t.Errorf("error %v", err)
	}
}

func TestSendEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r := receive(t, func(w http.ResponseWriter, _ *http.Request) {
		cancel()
		w.WriteHeader(http.StatusInternalServerError)
	})
	w := quick(t, service.Notification{URL: r.URL}, nil)
	w.pace.firstWait, w.pace.longestWait = time.Hour, time.Hour
	if err := w.Send(ctx, message); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestSendHasATimeLimitForEachTry(t *testing.T) {
	end := make(chan struct{})
	r := receive(t, func(_ http.ResponseWriter, request *http.Request) {
		select {
		case <-end:
		case <-request.Context().Done():
		}
	})
	defer close(end)
	w := quick(t, service.Notification{URL: r.URL}, nil)
	w.pace.timeout = 50 * time.Millisecond
	if err := w.Send(t.Context(), message); err == nil || !strings.Contains(err.Error(), "given up after 3 tries") {
		t.Errorf("error %v", err)
	}
}

func TestSendOnlyWhatIsWanted(t *testing.T) {
	r := receive(t, status(200, ""))
	w := quick(t, service.Notification{URL: r.URL, On: []string{"rolled_back", "started"}}, nil)
	other := message
	other.Event = "succeeded"
	for _, m := range []service.Message{message, other} {
		if err := w.Send(t.Context(), m); err != nil {
			t.Error(err)
		}
	}
	if r.count() != 1 {
		t.Errorf("%d messages, wanted the one", r.count())
	}
}
