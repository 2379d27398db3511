// Package azblob keeps a store's objects in a container of Azure Blob Storage.
package azblob

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"gocloud.dev/blob/azureblob"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/store/bucket"
)

// Parameters of a store's URL.
const (
	account = "storage_account"
	domain  = "domain"
	scope   = "encryption_scope"
)

// Environment variables, as Azure's own tools have them.
const (
	accountVariable    = "AZURE_STORAGE_ACCOUNT"
	keyVariable        = "AZURE_STORAGE_KEY"
	tokenVariable      = "AZURE_STORAGE_SAS_TOKEN"         //nolint:gosec // the name of a variable
	connectionVariable = "AZURE_STORAGE_CONNECTION_STRING" //nolint:gosec // the name of a variable
)

// Open names the store azblob://container/prefix?storage_account=…. Credentials come from the environment: a connection
// string, an account's key, a shared access signature, else what Azure's default chain finds (environment, workload
// identity, managed identity, the command line's login).
func Open(ctx context.Context, u *url.URL) (*bucket.Store, error) {
	parameters, err := bucket.Parameters(u, account, domain, scope)
	if err != nil {
		return nil, err
	}
	client, err := connect(u, parameters)
	if err != nil {
		return nil, fmt.Errorf("open the store %s: %w", u, err)
	}
	opened, err := azureblob.OpenBucket(ctx, client, nil)
	if err != nil {
		return nil, fmt.Errorf("open the store %s: %w", u, err)
	}
	options := bucket.Options{URL: u, Absent: absent}
	if name := parameters[scope]; name != "" {
		options.BeforeWrite = func(asFunc func(any) bool) error {
			var upload *azblob.UploadStreamOptions
			if !asFunc(&upload) {
				return errors.New("the library gave no place for the encryption scope")
			}
			upload.CPKScopeInfo = &blob.CPKScopeInfo{EncryptionScope: &name}
			return nil
		}
	}
	return bucket.New(opened, options)
}

func absent(err error) bool { return bloberror.HasCode(err, bloberror.BlobNotFound) }

// quiet is a client whose errors do not repeat the query, in which a shared access signature stands.
type quiet struct{ client *http.Client }

// Do implements policy.Transporter.
func (q quiet) Do(request *http.Request) (*http.Response, error) {
	response, err := q.client.Do(request) //nolint:gosec // the request is the library's
	if failure := (*url.Error)(nil); errors.As(err, &failure) {
		failure.URL, _, _ = strings.Cut(failure.URL, "?")
	}
	return response, err
}

// connect makes a client of the container, whose responses pass a clock.
func connect(u *url.URL, parameters map[string]string) (*container.Client, error) {
	plain, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return nil, fmt.Errorf("the process's HTTP transport is a %T", http.DefaultTransport)
	}
	client := quiet{&http.Client{Transport: bucket.Clock{Next: plain.Clone().RoundTrip}}}
	options := &container.ClientOptions{ClientOptions: azcore.ClientOptions{Transport: client}}
	name := parameters[account]
	if written := os.Getenv(connectionVariable); written != "" && name == "" {
		return container.NewClientFromConnectionString(written, u.Host, options)
	}
	if name == "" {
		name = os.Getenv(accountVariable)
	}
	if name == "" {
		return nil, fmt.Errorf("in which storage account is the container? Add ?%s=…, or set %s or %s", account, accountVariable, connectionVariable)
	}
	suffix := parameters[domain]
	if suffix == "" {
		suffix = "blob.core.windows.net"
	}
	place := fmt.Sprintf("https://%s.%s/%s", name, suffix, u.Host)
	if key := os.Getenv(keyVariable); key != "" {
		credential, err := container.NewSharedKeyCredential(name, key)
		if err != nil {
			return nil, fmt.Errorf("use the account's key in %s: it is not base64", keyVariable)
		}
		return container.NewClientWithSharedKeyCredential(place, credential, options)
	}
	if token := os.Getenv(tokenVariable); token != "" {
		return container.NewClientWithNoCredential(place+"?"+token, options)
	}
	credential, err := azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{ClientOptions: options.ClientOptions})
	if err != nil {
		return nil, fmt.Errorf("find Azure's default credentials: %w", err)
	}
	return container.NewClient(place, credential, options)
}
