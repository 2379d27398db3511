package store_test

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store/azblob"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store/gcs"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store/local"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store/s3"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store/storetest"
)

func bounded(root string) (store.Store, error) {
	s, err := local.Open(root)
	if err != nil {
		return nil, err
	}
	return store.Bounded(s, store.DefaultLimits), nil
}

func TestMain(m *testing.M) { os.Exit(storetest.Main(m, bounded)) }

func TestContract(t *testing.T) {
	root := filepath.Join(t.TempDir(), "store")
	open := func() store.Store {
		s, err := bounded(root)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	storetest.Run(t, open, storetest.Options{Recipe: root, Resolution: 50 * time.Millisecond})
}

// silence takes connections, and never says anything.
func silence(t *testing.T) (address string) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(io.Discard, connection) }()
		}
	}()
	return listener.Addr().String()
}

// A network that swallows what is sent would have a plan wait for ever.
func TestAServerThatNeverAnswers(t *testing.T) {
	address := silence(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "nobody")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "nothing")
	t.Setenv("STORAGE_EMULATOR_HOST", address)
	key := base64.StdEncoding.EncodeToString([]byte("nothing"))
	t.Setenv("AZURE_STORAGE_CONNECTION_STRING", "DefaultEndpointsProtocol=http;AccountName=a;AccountKey="+key+";BlobEndpoint=http://"+address+"/a;")
	for raw, open := range map[string]func(context.Context, *url.URL) (store.Store, error){
		"s3://releases?region=us-east-1&use_path_style=true&endpoint=" + url.QueryEscape("http://"+address): func(ctx context.Context, u *url.URL) (store.Store, error) { return s3.Open(ctx, u) },
		"gs://releases":     func(ctx context.Context, u *url.URL) (store.Store, error) { return gcs.Open(ctx, u) },
		"azblob://releases": func(ctx context.Context, u *url.URL) (store.Store, error) { return azblob.Open(ctx, u) },
	} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		opened, err := open(t.Context(), u)
		if err != nil {
			t.Fatal(err)
		}
		s := store.Bounded(opened, store.Limits{Request: 200 * time.Millisecond, Idle: 200 * time.Millisecond})
		for doing, request := range map[string]func(context.Context) error{
			"read":   func(ctx context.Context) error { _, err := s.Get(ctx, "a/b"); return err },
			"write":  func(ctx context.Context) error { return s.Put(ctx, "a/b", nil) },
			"create": func(ctx context.Context) error { return s.Create(ctx, "a/b", nil) },
			"delete": func(ctx context.Context) error { return s.Delete(ctx, "a/b") },
			"list":   func(ctx context.Context) error { _, err := s.List(ctx, "a/b"); return err },
		} {
			t.Run(u.Scheme+" "+doing, func(t *testing.T) {
				err := request(t.Context())
				if !errors.Is(err, store.ErrNoAnswer) || !strings.Contains(err.Error(), doing+" "+u.Scheme+"://releases/a/b") || errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%v, want ErrNoAnswer with the store's name and what was attempted", err)
				}
			})
		}
	}
}

// slow is a store that takes its time.
type slow struct {
	store.Store
	do func(ctx context.Context) error
	// took is what an upload took of its source.
	took int
}

func (s *slow) URL() string { return "slow://store" }

func (s *slow) Get(ctx context.Context, _ string) (store.Object, error) {
	return store.Object{}, s.do(ctx)
}

func (s *slow) List(ctx context.Context, _ string) ([]string, error) { return nil, s.do(ctx) }

func (s *slow) Upload(ctx context.Context, _ string, r io.Reader) error {
	data, err := io.ReadAll(r)
	s.took = len(data)
	return errors.Join(err, s.do(ctx))
}

// after waits for a while.
func after(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// source is a reader that takes its time before each of a number of bytes.
type source struct {
	ctx  context.Context //nolint:containedctx // it stands for a response's body
	each time.Duration
	left int
}

func (s *source) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	s.left--
	if err := after(s.ctx, s.each); err != nil {
		return 0, err
	}
	return copy(p, "x"), nil
}

func (s *source) Close() error { return nil }

var limits = store.Limits{Request: 30 * time.Second, Idle: 2 * time.Minute}

func TestRequestsHaveALimitAltogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store.Bounded(&slow{do: func(ctx context.Context) error {
			for range 10 { // it is tried again and again, and answered each time
				if err := after(ctx, 5*time.Second); err != nil {
					return err
				}
				store.Alive(ctx)
			}
			return nil
		}}, limits)
		began := time.Now()
		if _, err := s.Get(t.Context(), "a"); !errors.Is(err, store.ErrNoAnswer) || time.Since(began) != limits.Request {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		if _, err := s.List(t.Context(), "a"); err != nil {
			t.Errorf("a list of many pages: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.Get(ctx, "a"); errors.Is(err, store.ErrNoAnswer) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the caller's own patience: %v", err)
		}
	})
}

func TestAListEndsWithItsPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store.Bounded(&slow{do: func(ctx context.Context) error { return after(ctx, time.Hour) }}, limits)
		if _, err := s.List(t.Context(), "a"); !errors.Is(err, store.ErrNoAnswer) {
			t.Errorf("%v", err)
		}
	})
}

// The limit of a stream is on what the store makes one wait for, not on how long it takes, nor on the other side.
func TestStreamsMayTakeLongButNotStandStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := &slow{do: func(ctx context.Context) error { return after(ctx, time.Minute) }}
		s := store.Bounded(inner, limits)
		if err := s.Upload(t.Context(), "a", &source{ctx: t.Context(), each: time.Hour, left: 3}); err != nil || inner.took != 3 {
			t.Errorf("a slow source: %d bytes, %v", inner.took, err)
		}
		inner.do = func(ctx context.Context) error { return after(ctx, time.Hour) }
		if err := s.Upload(t.Context(), "a", strings.NewReader("x")); !errors.Is(err, store.ErrNoAnswer) {
			t.Errorf("a store that takes nothing more: %v", err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		inner := &waking{}
		s := store.Bounded(inner, limits)
		stream, err := s.Open(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		p := make([]byte, 1)
		for range 3 {
			time.Sleep(time.Hour) // the reader is slow
			if _, err := stream.Read(p); err != nil {
				t.Fatalf("a slow reader: %v", err)
			}
		}
		inner.body.each = time.Hour
		if _, err := stream.Read(p); !errors.Is(err, store.ErrNoAnswer) {
			t.Errorf("a store that sends nothing more: %v", err)
		}
		if err := stream.Close(); err != nil {
			t.Error(err)
		}
	})
}

// waking opens a stream whose body ends with the request's context.
type waking struct {
	slow
	body *source
}

func (w *waking) Open(ctx context.Context, _ string) (io.ReadCloser, error) {
	w.body = &source{ctx: ctx, each: time.Minute, left: 100}
	return w.body, nil
}
