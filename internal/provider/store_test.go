package provider

import (
	"errors"
	"net/url"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/connect"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/engine"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store/cloudtest"
)

// A bucket in the place of the one that the state was made with is never "everything was deleted": neither one that is another team's,
// with a service of the same name, nor an empty one.
func TestASwappedBucketIsRefused(t *testing.T) {
	const web = "production/web"
	endpoint := cloudtest.S3(t)
	open := func(bucket string) store.Store {
		s, _, err := connect.Store(t.Context(), "s3://"+bucket+"?use_path_style=true&endpoint="+url.QueryEscape(endpoint))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	ids := map[string]string{}
	for _, bucket := range []string{"ours", "theirs", "empty"} {
		cloudtest.CreateS3Bucket(t, endpoint, bucket)
		if bucket == "empty" {
			continue
		}
		id, err := ledger.Establish(t.Context(), open(bucket))
		if err != nil {
			t.Fatal(err)
		}
		ids[bucket] = id
		lease, err := ledger.Open(open(bucket), web).Acquire(t.Context(), "run", ledger.Holder{Name: "somebody"}, ledger.DefaultTerms)
		if err == nil {
			err = lease.Release(t.Context(), false)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if ids["ours"] == ids["theirs"] {
		t.Fatal("two stores have one identity")
	}
	for bucket, want := range map[string]string{"ours": "", "theirs": "Store Changed", "empty": "Ledger Lost"} {
		s := open(bucket)
		run := delivery.NewRun(s, connect.New(connect.Options{Store: s}), ledger.Holder{Name: "somebody"}, ledger.DefaultTerms)
		view, err := ledger.Open(s, web).Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		err = engine.New(run, nil, time.Hour).SameStore(t.Context(), web, ids["ours"], &view.State)
		var refusal *delivery.Error
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", bucket, err)
		case want != "" && (!errors.As(err, &refusal) || refusal.Summary != want):
			t.Errorf("%s: %v, want %s", bucket, err, want)
		}
	}
}
