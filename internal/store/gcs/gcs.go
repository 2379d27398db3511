// Package gcs keeps a store's objects in a bucket of Google Cloud Storage.
package gcs

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"cloud.google.com/go/storage"
	"gocloud.dev/blob/gcsblob"
	"golang.org/x/oauth2"
	"google.golang.org/api/option"
	transport "google.golang.org/api/transport/http"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/store/bucket"
)

// kmsKey is the parameter of a store's URL that names the key to encrypt with.
const kmsKey = "kms_key_name"

// emulator is the environment variable by which Google's libraries find a server for tests.
const emulator = "STORAGE_EMULATOR_HOST"

// tokenTimeout is how long a token server may take.
const tokenTimeout = 10 * time.Second

// Open names the store gs://bucket/prefix. Credentials are the application default ones: a file named in the environment,
// gcloud's, workload identity, or the machine's account.
func Open(ctx context.Context, u *url.URL) (*bucket.Store, error) {
	parameters, err := bucket.Parameters(u, kmsKey)
	if err != nil {
		return nil, err
	}
	client, err := connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("open the store %s: %w", u, err)
	}
	// A write that is sent again, because its answer was lost, is told apart by the ledger.
	client.SetRetry(storage.WithPolicy(storage.RetryAlways))
	opened, err := gcsblob.OpenBucket(ctx, nil, u.Host, &gcsblob.Options{Client: client})
	if err != nil {
		return nil, fmt.Errorf("open the store %s: %w", u, err)
	}
	options := bucket.Options{URL: u, Absent: absent, Finishes: true}
	if key := parameters[kmsKey]; key != "" {
		options.BeforeWrite = func(asFunc func(any) bool) error {
			var writer *storage.Writer
			if !asFunc(&writer) {
				return errors.New("the library gave no place for the key's name")
			}
			writer.KMSKeyName = key
			return nil
		}
	}
	return bucket.New(opened, options)
}

func absent(err error) bool { return errors.Is(err, storage.ErrObjectNotExist) }

// connect makes a client whose responses pass a clock.
func connect(ctx context.Context) (*storage.Client, error) {
	plain, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return nil, fmt.Errorf("the process's HTTP transport is a %T", http.DefaultTransport)
	}
	clock := bucket.Clock{Next: plain.Clone().RoundTrip}
	if os.Getenv(emulator) != "" {
		return storage.NewClient(ctx, option.WithHTTPClient(&http.Client{Transport: clock}), option.WithoutAuthentication())
	}
	// Tokens are asked for without the context of the request that needs one.
	ctx = context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: plain.Clone(), Timeout: tokenTimeout})
	authorised, err := transport.NewTransport(ctx, clock, option.WithScopes(storage.ScopeReadWrite))
	if err != nil {
		return nil, fmt.Errorf("find Google's application default credentials: %w", err)
	}
	return storage.NewClient(ctx, option.WithHTTPClient(&http.Client{Transport: authorised}))
}
