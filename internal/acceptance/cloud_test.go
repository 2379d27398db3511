package acceptance_test

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/connect"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store/cloudtest"
)

// The stores of the clouds, each with real Terraform: a release and its backup, the way back by hand, a kill that a
// command on another machine recovers, and stores that are not the one. Not parallel: credentials come by the environment.
func TestCloudStores(t *testing.T) {
	for name, start := range map[string]func(*testing.T) func(place string) string{
		"s3": func(t *testing.T) func(string) string {
			endpoint := cloudtest.S3(t)
			cloudtest.CreateS3Bucket(t, endpoint, "releases")
			return func(place string) string {
				return "s3://" + place + "?use_path_style=true&endpoint=" + url.QueryEscape(endpoint)
			}
		},
		"gcs": func(t *testing.T) func(string) string {
			cloudtest.GCS(t)
			cloudtest.CreateGCSBucket(t, "releases")
			return func(place string) string { return "gs://" + place }
		},
		"azblob": func(t *testing.T) func(string) string {
			cloudtest.Azure(t)
			cloudtest.CreateAzureContainer(t, "releases")
			return func(place string) string { return "azblob://" + place }
		},
	} {
		t.Run(name, func(t *testing.T) {
			at := start(t)
			r := newRig(t, true)
			r.storeURL = at("releases/ours")
			followProcedure(t, r)
			recoverFromElsewhere(t, r)
			otherStores(t, r, at)
		})
	}
}

// recoverFromElsewhere kills a release in the middle and recovers it where neither configuration nor state is.
func recoverFromElsewhere(t *testing.T, r *rig) {
	t.Helper()
	run := r.inTheMiddle(service.StageTrafficSplit, "3")
	if killProviders(t, run.Process.Pid) == 0 {
		t.Fatal("the provider's process is not there")
	}
	r.wait(run)
	r.await("the attempt to be interrupted", func() bool { return r.view(web).Interrupted() != nil })
	if out := r.operator(0, "history"); !strings.Contains(out, "interrupted") || !strings.Contains(out, string(web)) {
		t.Errorf("history:\n%s", out)
	}
	if out := r.operator(0, "recover", "--all", "--yes"); !strings.Contains(out, string(web)+": ") {
		t.Errorf("recover --all:\n%s", out)
	}
	r.runs("1")
	if out := r.operator(0, "recover", "--all", "--yes"); !strings.Contains(out, "nothing to recover; services in the store: 1") {
		t.Errorf("recover --all again:\n%s", out)
	}
	if out := r.operator(0, "report", string(web)); !strings.Contains(out, "restored") || !strings.Contains(out, "the candidate has 50 %") {
		t.Errorf("report:\n%s", out)
	}
}

// otherStores plans with a prefix that was mistyped, a bucket that is not there, and one that was emptied.
func otherStores(t *testing.T, r *rig, at func(string) string) {
	t.Helper()
	ours := r.storeURL
	for _, place := range []string{"releases/our", "no-such-place/ours"} {
		r.storeURL = at(place)
		r.write(config{Version: "1"}.hcl(r))
		if out := r.planFails(); !strings.Contains(out, place) {
			t.Errorf("%s is not named:\n%s", place, out)
		}
	}
	r.storeURL = ours
	s, _, err := connect.Store(context.Background(), ours)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := s.List(context.Background(), "")
	if err != nil || len(keys) == 0 {
		t.Fatalf("the store's objects: %d, %v", len(keys), err)
	}
	for _, key := range keys {
		if err := s.Delete(context.Background(), key); err != nil {
			t.Fatal(err)
		}
	}
	r.write(config{Version: "1"}.hcl(r))
	if out := r.planFails(); !strings.Contains(out, "empty") {
		t.Errorf("that the store is empty is not said:\n%s", out)
	}
}
