package azblob_test

import (
	"context"
	"errors"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store/azblob"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store/cloudtest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store/storetest"
)

func reopen(raw string) (store.Store, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, err
	}
	return azblob.Open(context.Background(), u)
}

func TestMain(m *testing.M) { os.Exit(storetest.Main(m, reopen)) }

func TestContract(t *testing.T) {
	cloudtest.Azure(t)
	cloudtest.CreateAzureContainer(t, "releases")
	storetest.RunCloud(t, reopen, func(place string) string { return "azblob://" + place })
}

// behind starts a server with a proxy before it; open opens the store there.
func behind(t *testing.T) (proxy *cloudtest.Proxy, open func() store.Store) {
	t.Helper()
	cloudtest.Azure(t)
	cloudtest.CreateAzureContainer(t, "releases")
	const variable = "AZURE_STORAGE_CONNECTION_STRING"
	before, after, _ := strings.Cut(os.Getenv(variable), "http://")
	address, path, _ := strings.Cut(after, "/")
	proxy = cloudtest.Before(t, address)
	t.Setenv(variable, before+"http://"+proxy.Address+"/"+path)
	return proxy, func() store.Store {
		s, err := reopen("azblob://releases")
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
	cloudtest.ServerWithoutConditionsIsRefused(t, open, "azblob://releases", proxy)
}

// What a shared access signature authorises is a secret, and stands in the address of every request.
func TestErrorsHideTheSignature(t *testing.T) {
	t.Setenv("AZURE_STORAGE_CONNECTION_STRING", "")
	t.Setenv("AZURE_STORAGE_ACCOUNT", "")
	t.Setenv("AZURE_STORAGE_KEY", "")
	t.Setenv("AZURE_STORAGE_SAS_TOKEN", "sv=2024-01-01&sig=s3cr3t")
	s, err := reopen("azblob://releases?storage_account=nobody&domain=localhost.invalid")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, err := s.Get(ctx, "a/b"); err == nil || errors.Is(err, store.ErrNotFound) || strings.Contains(err.Error(), "s3cr3t") {
		t.Errorf("%v", err)
	}
	if _, err := reopen("azblob://releases"); err == nil || !strings.Contains(err.Error(), "storage_account") {
		t.Errorf("without an account: %v", err)
	}
}
