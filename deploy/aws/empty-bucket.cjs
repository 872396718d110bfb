// CloudFormation removes no bucket that holds anything: `sls remove` empties ours before, where the data is to go too.

class EmptyBucket {
  constructor(serverless) {
    this.serverless = serverless
    this.hooks = { 'before:remove:remove': () => this.empty() }
  }

  async empty() {
    const { resources } = this.serverless.service
    const policy = resources.Resources.Bucket.DeletionPolicy
    if (policy !== 'Delete') return
    const aws = this.serverless.getProvider('aws')
    const config = await aws.getAwsSdkV3Config()
    const { CloudFormationClient, DescribeStacksCommand } = ofServerless(
      '@aws-sdk/client-cloudformation',
    )
    const { S3Client, ListObjectsV2Command, DeleteObjectsCommand } =
      ofServerless('@aws-sdk/client-s3')
    const StackName = aws.naming.getStackName()
    const found = await new CloudFormationClient(config)
      .send(new DescribeStacksCommand({ StackName }))
      // No stack, no bucket: `sls remove` itself says what is missing.
      .catch(() => undefined)
    const outputs = found?.Stacks?.[0]?.Outputs ?? []
    const Bucket = outputs.find(({ OutputKey }) => OutputKey === 'BucketName')?.OutputValue
    if (Bucket === undefined) return
    const s3 = new S3Client({ ...config, forcePathStyle: true })
    for (;;) {
      const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket }))
      if (Contents.length === 0) return
      const Objects = Contents.map(({ Key }) => ({ Key }))
      await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }))
    }
  }
}

/** The SDK that the CLI brings. */
function ofServerless(name) {
  return require(require.resolve(name, { paths: [require.resolve('serverless')] }))
}

module.exports = EmptyBucket
