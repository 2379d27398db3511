// Package s3 keeps a store's objects in a bucket of Amazon S3, or of a server that speaks its protocol.
package s3

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"gocloud.dev/blob/s3blob"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/store/bucket"
)

// Parameters of a store's URL.
const (
	region    = "region"
	profile   = "profile"
	endpoint  = "endpoint"
	pathStyle = "use_path_style"
	sse       = "sse"
	kmsKey    = "kms_key_id"
)

// Open names the store s3://bucket/prefix?region=…. It asks nothing but the files of AWS's configuration. Credentials come
// as AWS's own tools find them: environment, profiles, web identity, the machine's role.
func Open(ctx context.Context, u *url.URL) (*bucket.Store, error) {
	parameters, err := bucket.Parameters(u, region, profile, endpoint, pathStyle, sse, kmsKey)
	if err != nil {
		return nil, err
	}
	usePathStyle := false
	if written, given := parameters[pathStyle]; given {
		if usePathStyle, err = strconv.ParseBool(written); err != nil {
			return nil, fmt.Errorf("store %s: %s is true or false, not %q", u, pathStyle, written)
		}
	}
	encryption := types.ServerSideEncryption(parameters[sse])
	switch encryption {
	case "", types.ServerSideEncryptionAes256, types.ServerSideEncryptionAwsKms, types.ServerSideEncryptionAwsKmsDsse:
	default:
		return nil, fmt.Errorf("store %s: %s is AES256, aws:kms or aws:kms:dsse, not %q", u, sse, encryption)
	}
	if parameters[kmsKey] != "" && encryption != types.ServerSideEncryptionAwsKms && encryption != types.ServerSideEncryptionAwsKmsDsse {
		return nil, fmt.Errorf("store %s: %s goes with %s=aws:kms", u, kmsKey, sse)
	}
	configuration, err := load(ctx, u, parameters)
	if err != nil {
		return nil, err
	}
	client := s3.NewFromConfig(configuration, func(o *s3.Options) { o.UsePathStyle = usePathStyle })
	opened, err := s3blob.OpenBucket(ctx, client, u.Host, &s3blob.Options{
		EncryptionType: encryption, KMSEncryptionID: parameters[kmsKey], RequestChecksumCalculation: configuration.RequestChecksumCalculation,
	})
	if err != nil {
		return nil, fmt.Errorf("open the store %s: %w", u, err)
	}
	return bucket.New(opened, bucket.Options{URL: u, Absent: code("NoSuchKey", "NotFound"), Busy: code("ConditionalRequestConflict")})
}

func load(ctx context.Context, u *url.URL, parameters map[string]string) (aws.Config, error) {
	configuration, err := config.LoadDefaultConfig(ctx,
		config.WithRegion(parameters[region]), config.WithSharedConfigProfile(parameters[profile]))
	if err != nil {
		return aws.Config{}, fmt.Errorf("open the store %s: read AWS's configuration: %w", u, err)
	}
	configuration.HTTPClient = bucket.Clock{Next: configuration.HTTPClient.Do}
	if address := parameters[endpoint]; address != "" {
		configuration.BaseEndpoint = aws.String(address)
		// Servers that speak the protocol do not all know the newer checksums.
		configuration.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		configuration.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	}
	if configuration.Region == "" {
		return aws.Config{}, fmt.Errorf("store %s: in which region is the bucket? Add ?region=…, or set AWS_REGION", u)
	}
	return configuration, nil
}

// code tells whether an error has one of these codes of S3's. NotFound is what a question without an answer's text has.
func code(wanted ...string) func(error) bool {
	return func(err error) bool {
		var failure smithy.APIError
		return errors.As(err, &failure) && slices.Contains(wanted, failure.ErrorCode())
	}
}
