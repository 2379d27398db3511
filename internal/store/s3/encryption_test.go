package s3_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/store/cloudtest"
)

func TestEncryptionOptionsGoWithEveryWrite(t *testing.T) {
	nobody(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "anybody")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	const key = "arn:aws:kms:us-east-1:123456789012:key/k"
	for parameters, want := range map[string][2]string{
		"&sse=AES256": {"AES256", ""}, "&sse=aws:kms": {"aws:kms", ""},
		"&sse=aws:kms&kms_key_id=" + url.QueryEscape(key):      {"aws:kms", key},
		"&sse=aws:kms:dsse&kms_key_id=" + url.QueryEscape(key): {"aws:kms:dsse", key},
	} {
		n := cloudtest.Note(t)
		s, err := reopen("s3://releases?use_path_style=true&endpoint=" + url.QueryEscape(n.URL) + parameters)
		if err != nil {
			t.Fatal(err)
		}
		cloudtest.EncryptsEveryWrite(t, n, s, func(r *http.Request) bool {
			return r.Header.Get("X-Amz-Server-Side-Encryption") == want[0] && r.Header.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id") == want[1]
		})
	}
}
