package cloudtest

import (
	"testing"

	"cloud.google.com/go/storage"
	"google.golang.org/api/option"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/component"
)

// GCS runs a server, which the environment of the test names for Google's libraries; so the test cannot be parallel.
func GCS(t *testing.T) {
	t.Helper()
	program := component.Find(t, "DEPLOY_TEST_FAKE_GCS_SERVER", "bin/fake-gcs-server", "make stores")
	address := run(t, func(port, _ string) []string {
		return []string{program, "-scheme", "http", "-host", "127.0.0.1", "-port", port, "-backend", "memory",
			"-public-host", "127.0.0.1:" + port, "-external-url", "http://127.0.0.1:" + port, "-log-level", "warn"}
	})
	t.Setenv("STORAGE_EMULATOR_HOST", address)
}

// CreateGCSBucket makes a bucket on the server that GCS runs.
func CreateGCSBucket(t *testing.T, name string) {
	t.Helper()
	client, err := storage.NewClient(t.Context(), option.WithoutAuthentication())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	if err := client.Bucket(name).Create(t.Context(), "tests", nil); err != nil {
		t.Fatal(err)
	}
}
