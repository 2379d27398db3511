package gcs_test

import (
	"context"
	"net/url"
	"os"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store/cloudtest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store/gcs"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store/storetest"
)

func reopen(raw string) (store.Store, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, err
	}
	return gcs.Open(context.Background(), u)
}

func TestMain(m *testing.M) { os.Exit(storetest.Main(m, reopen)) }

func TestContract(t *testing.T) {
	cloudtest.GCS(t)
	cloudtest.CreateGCSBucket(t, "releases")
	storetest.RunCloud(t, reopen, func(place string) string { return "gs://" + place })
}

// behind starts a server with a proxy before it; open opens the store there.
func behind(t *testing.T) (proxy *cloudtest.Proxy, open func() store.Store) {
	t.Helper()
	cloudtest.GCS(t)
	cloudtest.CreateGCSBucket(t, "releases")
	proxy = cloudtest.Before(t, os.Getenv("STORAGE_EMULATOR_HOST"))
	t.Setenv("STORAGE_EMULATOR_HOST", proxy.Address)
	return proxy, func() store.Store {
		s, err := reopen("gs://releases")
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
}

func TestLostAnswersCountOnce(t *testing.T) {
	proxy, open := behind(t)
	cloudtest.LostAnswersCountOnce(t, open(), proxy)
}

func TestServerWithoutConditionsIsRefused(t *testing.T) {
	proxy, open := behind(t)
	cloudtest.ServerWithoutConditionsIsRefused(t, open, "gs://releases", proxy)
}
