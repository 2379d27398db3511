package cloudtest

import (
	"fmt"
	"os"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/component"
)

// azuriteKey is the key of Azurite's only account; its documentation prints it.
const azuriteKey = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==" //nolint:gosec // public

// Azure runs a server, which the environment of the test names in a connection string; so the test cannot be parallel.
func Azure(t *testing.T) {
	t.Helper()
	program := component.Find(t, "DEPLOY_TEST_AZURITE", "azurite/node_modules/.bin/azurite-blob", "make stores")
	address := run(t, func(port, _ string) []string {
		return []string{program, "--blobHost", "127.0.0.1", "--blobPort", port, "--silent",
			"--disableTelemetry", "--skipApiVersionCheck", "--inMemoryPersistence"}
	})
	t.Setenv("AZURE_STORAGE_CONNECTION_STRING", fmt.Sprintf(
		"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=%s;BlobEndpoint=http://%s/devstoreaccount1;", azuriteKey, address))
}

// CreateAzureContainer makes a container on the server that Azure runs.
func CreateAzureContainer(t *testing.T, name string) {
	t.Helper()
	client, err := container.NewClientFromConnectionString(os.Getenv("AZURE_STORAGE_CONNECTION_STRING"), name, nil)
	if err == nil {
		_, err = client.Create(t.Context(), nil)
	}
	if err != nil {
		t.Fatal(err)
	}
}
