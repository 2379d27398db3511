package s3_test

import (
	"context"
	"net/url"
	"os"
	"strings"
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

func TestLostAnswersCountOnce(t *testing.T) {
	endpoint := cloudtest.S3(t)
	cloudtest.CreateS3Bucket(t, endpoint, "releases")
	proxy := cloudtest.Before(t, strings.TrimPrefix(endpoint, "http://"))
	cloudtest.LostAnswersCountOnce(t, through(t, proxy), proxy)
}

// through opens the store behind a proxy.
func through(t *testing.T, proxy *cloudtest.Proxy) store.Store {
	t.Helper()
	s, err := reopen("s3://releases?use_path_style=true&endpoint=" + url.QueryEscape("http://"+proxy.Address))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestServerWithoutConditionsIsRefused(t *testing.T) {
	endpoint := cloudtest.S3(t)
	cloudtest.CreateS3Bucket(t, endpoint, "releases")
	proxy := cloudtest.Before(t, strings.TrimPrefix(endpoint, "http://"))
	cloudtest.ServerWithoutConditionsIsRefused(t, func() store.Store { return through(t, proxy) }, "s3://releases", proxy)
}

func TestURLsRefused(t *testing.T) {
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	for raw, want := range map[string]string{
		"s3://releases":                                         "in which region",
		"s3://releases?regoin=eu-west-1":                        `"regoin" is not known; there are region, profile`,
		"s3:///prefix?region=eu-west-1":                         "names no bucket",
		"s3://key:secret@releases?region=eu-west-1":             "credentials come from the environment",
		"s3://releases?region=eu-west-1&sse=rot13":              "sse is AES256, aws:kms",
		"s3://releases?region=eu-west-1&kms_key_id=k":           "goes with sse=aws:kms",
		"s3://releases?region=eu-west-1&use_path_style=perhaps": "true or false",
		"s3://releases/a//b?region=eu-west-1":                   "empty segment",
		"s3://releases?region=eu-west-1&region=eu-west-2":       "one value",
	} {
		if _, err := reopen(raw); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want %q", raw, err, want)
		}
	}
}
