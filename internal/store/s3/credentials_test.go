package s3_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/store/cloudtest"
)

// signed is a server that notes by whom requests are signed. It is a fake: who signs is all that counts, and no real server
// knows these people.
func signed(t *testing.T) (endpoint string, by func() (key, token string)) {
	t.Helper()
	var mu sync.Mutex
	var last http.Header
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		last = r.Header.Clone()
		w.WriteHeader(http.StatusNotFound)
	}))
	t.Cleanup(server.Close)
	return server.URL, func() (string, string) {
		mu.Lock()
		defer mu.Unlock()
		_, credential, _ := strings.Cut(last.Get("Authorization"), "Credential=")
		key, _, _ := strings.Cut(credential, "/")
		return key, last.Get("X-Amz-Security-Token")
	}
}

// nobody clears what this machine knows of AWS, and returns a directory for what a test's user knows.
func nobody(t *testing.T) string {
	t.Helper()
	for name := range cloudtest.S3Environment() {
		t.Setenv(name, "")
	}
	directory := t.TempDir()
	for name, value := range map[string]string{
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_REGION": "us-east-1", "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "", "HOME": directory,
		"AWS_SHARED_CREDENTIALS_FILE": filepath.Join(directory, "credentials"), "AWS_CONFIG_FILE": filepath.Join(directory, "config"),
	} {
		t.Setenv(name, value)
	}
	return directory
}

func keep(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func signer(t *testing.T, parameters string) (key, token string) {
	t.Helper()
	endpoint, by := signed(t)
	s, err := reopen("s3://releases?use_path_style=true&endpoint=" + url.QueryEscape(endpoint) + parameters)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = s.Get(t.Context(), "a/b") // what the server answers says nothing
	return by()
}

const profiles = `[default]
aws_access_key_id = OF-THE-DEFAULT
aws_secret_access_key = secret
[release]
aws_access_key_id = OF-THE-PROFILE
aws_secret_access_key = secret
[other]
aws_access_key_id = OF-ANOTHER
aws_secret_access_key = secret
`

func TestCredentialsOfProfiles(t *testing.T) {
	keep(t, filepath.Join(nobody(t), "credentials"), profiles)
	if key, _ := signer(t, ""); key != "OF-THE-DEFAULT" {
		t.Errorf("without a profile it is signed by %s", key)
	}
	t.Setenv("AWS_PROFILE", "release")
	if key, _ := signer(t, ""); key != "OF-THE-PROFILE" {
		t.Errorf("with AWS_PROFILE it is signed by %s", key)
	}
	if key, _ := signer(t, "&profile=other"); key != "OF-ANOTHER" {
		t.Errorf("with the URL's profile it is signed by %s", key)
	}
	t.Setenv("AWS_PROFILE", "")
	t.Setenv("AWS_ACCESS_KEY_ID", "OF-THE-ENVIRONMENT")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_SESSION_TOKEN", "a session")
	if key, token := signer(t, ""); key != "OF-THE-ENVIRONMENT" || token != "a session" {
		t.Errorf("with keys in the environment it is signed by %s in %q", key, token)
	}
}

// As pods and CI systems have it: a token in a file is exchanged for credentials.
func TestCredentialsOfWebIdentity(t *testing.T) {
	directory := nobody(t)
	var asked url.Values
	sts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		asked = r.Form
		_, _ = w.Write([]byte(`<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials>
<AccessKeyId>OF-THE-ROLE</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>of the role</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>
</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`))
	}))
	defer sts.Close()
	keep(t, filepath.Join(directory, "token"), "the token of a pod")
	t.Setenv("AWS_WEB_IDENTITY_TOKEN_FILE", filepath.Join(directory, "token"))
	t.Setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/release")
	t.Setenv("AWS_ENDPOINT_URL_STS", sts.URL)
	key, token := signer(t, "")
	if key != "OF-THE-ROLE" || token != "of the role" {
		t.Errorf("it is signed by %s in %q", key, token)
	}
	if asked.Get("WebIdentityToken") != "the token of a pod" || asked.Get("RoleArn") != "arn:aws:iam::123456789012:role/release" {
		t.Errorf("STS was asked %v", asked)
	}
}
