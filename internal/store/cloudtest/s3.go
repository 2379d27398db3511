package cloudtest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/component"
)

// The credentials of every server that S3 runs.
const access, secret = "tests", "secret-of-the-tests"

// S3Environment holds the credentials of the servers that S3 runs. Set for a whole process, tests with S3 can be parallel.
func S3Environment() map[string]string {
	return map[string]string{
		"AWS_ACCESS_KEY_ID": access, "AWS_SECRET_ACCESS_KEY": secret, "AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
	}
}

// S3 runs a server and returns its endpoint. Where the environment does not hold the credentials yet, the test's shall, and then
// the test cannot be parallel.
func S3(t *testing.T) (endpoint string) {
	t.Helper()
	program := component.Find(t, "DEPLOY_TEST_VERSITYGW", "bin/versitygw", "make stores")
	for name, value := range S3Environment() {
		if os.Getenv(name) != value {
			t.Setenv(name, value)
		}
	}
	return "http://" + run(t, func(port, directory string) []string {
		data, sidecar := filepath.Join(directory, "data"), filepath.Join(directory, "sidecar")
		for _, d := range []string{data, sidecar} {
			if err := os.Mkdir(d, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		return []string{program, "--access", access, "--secret", secret, "--port", "127.0.0.1:" + port, "posix", "--sidecar", sidecar, data}
	})
}

// CreateS3Bucket makes a bucket behind an endpoint that S3 returned.
func CreateS3Bucket(t *testing.T, endpoint, name string) {
	t.Helper()
	client := s3.New(s3.Options{
		BaseEndpoint: aws.String(endpoint), Region: "us-east-1", UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), ""),
	})
	if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(name)}); err != nil {
		t.Fatal(err)
	}
}
