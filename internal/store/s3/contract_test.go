package s3_test

import (
	"context"
	"net/url"
	"os"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store/cloudtest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store/s3"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store/storetest"
)

func reopen(raw string) (store.Store, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, err
	}
	return s3.Open(context.Background(), u)
}

func TestMain(m *testing.M) { os.Exit(storetest.Main(m, reopen)) }

func TestContract(t *testing.T) {
	endpoint := cloudtest.S3(t)
	cloudtest.CreateS3Bucket(t, endpoint, "releases")
	at := func(place string) string {
		return "s3://" + place + "?use_path_style=true&endpoint=" + url.QueryEscape(endpoint)
	}
	storetest.RunCloud(t, reopen, at)
}
