package service

import (
	"time"

	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/duration"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/whole"
)

// The forms that optional attributes have.

func textAttribute(description string) schema.Attribute {
	return schema.StringAttribute{Optional: true, MarkdownDescription: description}
}

func requiredText(description string) schema.Attribute {
	return schema.StringAttribute{Required: true, MarkdownDescription: description}
}

func durationAttribute(description string) schema.Attribute {
	return schema.StringAttribute{
		Optional: true, Validators: []validator.String{duration.AtLeast(time.Millisecond)}, MarkdownDescription: description,
	}
}

func numberAttribute(description string) schema.Attribute {
	return schema.Int64Attribute{CustomType: whole.Type{}, Optional: true, MarkdownDescription: description}
}

func truthAttribute(description string) schema.Attribute {
	return schema.BoolAttribute{Optional: true, MarkdownDescription: description}
}

func listAttribute(description string) schema.Attribute {
	return schema.ListAttribute{Optional: true, ElementType: types.StringType, MarkdownDescription: description}
}

func mapAttribute(description string) schema.Attribute {
	return schema.MapAttribute{Optional: true, ElementType: types.StringType, MarkdownDescription: description}
}
