import java.io.FileInputStream;
import java.util.Properties;
import java.util.concurrent.Executors;
import io.netty.channel.ChannelHandlerContext;
import org.apache.rocketmq.auth.authentication.factory.AuthenticationFactory;
import org.apache.rocketmq.auth.authentication.manager.AuthenticationMetadataManager;
import org.apache.rocketmq.auth.authorization.factory.AuthorizationFactory;
import org.apache.rocketmq.auth.authorization.manager.AuthorizationMetadataManager;
import org.apache.rocketmq.auth.config.AuthConfig;
import org.apache.rocketmq.broker.auth.converter.AclConverter;
import org.apache.rocketmq.broker.auth.converter.UserConverter;
import org.apache.rocketmq.broker.auth.pipeline.AuthenticationPipeline;
import org.apache.rocketmq.broker.auth.pipeline.AuthorizationPipeline;
import org.apache.rocketmq.common.MixAll;
import org.apache.rocketmq.namesrv.NamesrvController;
import org.apache.rocketmq.namesrv.NamesrvStartup;
import org.apache.rocketmq.remoting.RemotingServer;
import org.apache.rocketmq.remoting.netty.NettyRequestProcessor;
import org.apache.rocketmq.remoting.pipeline.RequestPipeline;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;
import org.apache.rocketmq.remoting.protocol.RemotingSerializable;
import org.apache.rocketmq.remoting.protocol.RequestCode;
import org.apache.rocketmq.remoting.protocol.body.AclInfo;
import org.apache.rocketmq.remoting.protocol.body.UserInfo;

/**
 * The name server with the authentication and authorization of the broker before it, which the
 * release has for brokers and proxies only. Users and rights are made as on a broker.
 */
public class GuardedNameServer {
    private static AuthenticationMetadataManager users;
    private static AuthorizationMetadataManager rights;

    public static void main(String[] args) throws Exception {
        Properties properties = new Properties();
        try (FileInputStream file = new FileInputStream(args[1])) {
            properties.load(file);
        }
        AuthConfig config = new AuthConfig();
        MixAll.properties2Object(properties, config);
        config.setConfigName("guarded-name-server");
        config.setClusterName("TestCluster");
        users = AuthenticationFactory.getMetadataManager(config);
        rights = AuthorizationFactory.getMetadataManager(config);

        NamesrvStartup.parseCommandlineAndConfigFile(args);
        NamesrvController controller = NamesrvStartup.createNamesrvController();
        controller.initialize();
        RemotingServer server = controller.getRemotingServer();
        NettyRequestProcessor admin = new NettyRequestProcessor() {
            @Override
            public RemotingCommand processRequest(ChannelHandlerContext context, RemotingCommand request) {
                return administer(request);
            }

            @Override
            public boolean rejectRequest() {
                return false;
            }
        };
        for (int code : new int[] {RequestCode.AUTH_CREATE_USER, RequestCode.AUTH_CREATE_ACL}) {
            server.registerProcessor(code, admin, Executors.newSingleThreadExecutor());
        }
        RequestPipeline pipeline = (context, request) -> { };
        server.setRequestPipeline(pipeline
            .pipe(new AuthorizationPipeline(config))
            .pipe(new AuthenticationPipeline(config)));
        controller.start();
    }

    private static RemotingCommand administer(RemotingCommand request) {
        if (request.getCode() == RequestCode.AUTH_CREATE_USER) {
            UserInfo user = RemotingSerializable.decode(request.getBody(), UserInfo.class);
            user.setUsername(request.getExtFields().get("username"));
            users.createUser(UserConverter.convertUser(user)).join();
        } else {
            AclInfo acl = RemotingSerializable.decode(request.getBody(), AclInfo.class);
            acl.setSubject(request.getExtFields().get("subject"));
            rights.createAcl(AclConverter.convertAcl(acl)).join();
        }
        return RemotingCommand.createResponseCommand(0, null);
    }
}
